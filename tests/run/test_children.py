"""Processes that the program starts: unseen by default, each observed with --follow-children, and themselves as plain."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET, environment, interpreters

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from conftest import Bench

FOLLOW = (*QUIET, "--follow-children")
SEEN = ("--follow-children", "--min-growth", "256K")

# What a process can see of itself and of those it starts.
MIRROR = """
import os, signal, sys, threading
def mirror(where):
    print(where, sorted(k for k in os.environ if "HEAPLENS_" in k and k != "HEAPLENS_EXE" or "PRELOAD" in k),
          sorted(int(f) for f in os.listdir("/proc/self/fd"))[:-1], threading.active_count(),
          [signal.getsignal(s) for s in (2, 15, 17)], sorted(signal.pthread_sigmask(0, [])),
          flush=True)
"""

# Ways to make a child: each prints what the child and the parent see, and how the child ended.
WAYS = {
    "fork": """
pid = os.fork()
if not pid:
    mirror("child")
    sys.exit(7)
print(os.waitpid(pid, 0)[1])
""",
    "fork and _exit": """
pid = os.fork()
if not pid:
    age()
    os._exit(6)
print(os.wait()[0] == pid)
""",
    "killed": """
pid = os.fork()
if not pid:
    age()
    time.sleep(30)
time.sleep(.9)
os.kill(pid, 9)
print(os.waitpid(pid, 0)[1])
""",
    "terminated": """
pid = os.fork()
if not pid:
    age()
    time.sleep(30)
time.sleep(.9)
os.kill(pid, 15)
print(os.waitpid(pid, 0)[1])
""",
    "nobody to wait for": """
try:
    os.wait()
except ChildProcessError as e:
    print(e)
pid = os.fork()
if not pid:
    age()
    try:
        os.wait()
    except ChildProcessError as e:
        print(e, flush=True)
    os._exit(0)
os.waitpid(pid, 0)
try:
    os.wait()
except ChildProcessError as e:
    print(e)
""",
    "SIGCHLD": """
seen = []
signal.signal(signal.SIGCHLD, lambda *a: seen.append(1))
pid = os.fork()
if not pid:
    age()
    os._exit(0)
print(os.waitpid(pid, 0)[1], len(seen))
""",
    "fork of a fork": """
pid = os.fork()
if not pid:
    pid = os.fork()
    if not pid:
        age()
        mirror("grandchild")
        os._exit(5)
    os._exit(os.waitpid(pid, 0)[1] >> 8)
print(os.waitpid(pid, 0)[1])
""",
    "fork in a thread": """
def work():
    pid = os.fork()
    if not pid:
        age()
        mirror("child")
        os._exit(4)
    print(os.waitpid(pid, 0)[1])
t = threading.Thread(target=work); t.start(); t.join()
""",
    "exception in the child": """
pid = os.fork()
if not pid:
    time.sleep(.3)
    raise ValueError("in the child")
print(os.waitpid(pid, 0)[1])
""",
    "exec in the child": """
pid = os.fork()
if not pid:
    age()
    os.execv(sys.executable, [sys.executable, "mirror.py", "after exec"])
print(os.waitpid(pid, 0)[1])
""",
    "forkpty": """
pid, fd = os.forkpty()
if not pid:
    time.sleep(.3)
    print("on a terminal", os.isatty(1), flush=True)
    os._exit(3)
text = b""
while not text.endswith(b"\n"):
    text += os.read(fd, 100)
print(text)
print(os.waitpid(pid, 0)[1])
""",
    "subprocess -c": "print(subprocess.run([sys.executable, '-c', 'import sys; print(sys.argv); sys.exit(3)', 'a b']))",
    "subprocess script": "print(subprocess.run([sys.executable, 'mirror.py', 'script']))",
    "subprocess -m": "print(subprocess.run([sys.executable, '-m', 'mirror', 'module']))",
    "subprocess stdin": "print(subprocess.run([sys.executable, '-'], input=b'print(6 * 7)'))",
    "subprocess flags": "print(subprocess.run([sys.executable, '-I', '-X', 'dev', '-W', 'error', '-c', 'import sys; print(sys.flags)']))",
    "subprocess with an environment": "print(subprocess.run([sys.executable, 'mirror.py', 'env'], env={'A': 'b'}))",
    "subprocess with a preload of its own": """
print(subprocess.run([sys.executable, '-c', 'import os; print(os.environ["LD_PRELOAD"])'],
                     env={'LD_PRELOAD': 'libc.so.6'}))
""",
    "subprocess by posix_spawn": "print(subprocess.run([sys.executable, 'mirror.py', 'spawn'], close_fds=False))",
    "subprocess with a function": "print(subprocess.run([sys.executable, '-c', 'print(1)'], preexec_fn=lambda: os.umask(7)))",
    "subprocess in a shell": "print(subprocess.run('A=1 %s mirror.py shell; exit 9' % sys.executable, shell=True))",
    "os.system": "print(os.system('%s mirror.py system; exit 3' % sys.executable), os.system('kill -9 $$'))",
    "os.popen": "f = os.popen('%s mirror.py popen; exit 2' % sys.executable); print(f.read(), f.close())",
    "os.posix_spawn": """
print(os.waitpid(os.posix_spawn(sys.executable, [sys.executable, 'mirror.py', 'p'], os.environ), 0)[1])
print(os.waitpid(os.posix_spawnp('sh', ['sh', '-c', 'exit 4'], os.environ), 0)[1])
""",
    "os.spawnv": "print(os.spawnv(os.P_WAIT, sys.executable, [sys.executable, '-c', 'import sys; sys.exit(8)']))",
    "no Python": """
print(subprocess.run("env | grep -E 'HEAPLENS_[FLP]|PRELOAD'; ls /proc/self/fd | wc -l; echo done", shell=True))
print(subprocess.run(["env", "-i", "A=1", "env"]), subprocess.run(["/bin/ls", "/nonexistent"]).returncode)
print(subprocess.run(["env", sys.executable, "mirror.py", "through env"]))
""",
    "not there": """
for words in (["/nonexistent"], ["./mirror.py"], ["."]):
    try:
        subprocess.run(words)
    except OSError as e:
        print(e)
""",
    "multiprocessing fork": "run('fork')",
    "multiprocessing spawn": "run('spawn')",
    "multiprocessing forkserver": "run('forkserver')",
    "pool": """
import multiprocessing
with multiprocessing.get_context('fork').Pool(3) as pool:
    print(pool.map(abs, range(-20, 0)))
""",
    "futures": """
import concurrent.futures
with concurrent.futures.ProcessPoolExecutor(2) as pool:
    print(list(pool.map(abs, range(-5, 0))))
""",
    "a storm of forks": """
for i in range(200):
    pid = os.fork()
    if not pid:
        os._exit(i % 7)
    assert os.waitpid(pid, 0) == (pid, (i % 7) << 8)
print(os.listdir('/proc/self/fd') == os.listdir('/proc/self/fd'))
""",
    "all at once": """
pids = []
for i in range(40):
    pid = os.fork()
    if not pid:
        time.sleep(.3)
        os._exit(i)
    pids.append(pid)
print([os.waitpid(pid, 0)[1] >> 8 for pid in pids])
""",
}

PRELUDE = """import os, signal, subprocess, sys, threading, time
from mirror import mirror
def age():  # until there is a file
    end = time.process_time() + .12
    while time.process_time() < end: pass
    time.sleep(.3)
def child(i):
    age()
    mirror("child")
    sys.exit(i)
def run(way):
    import multiprocessing
    mp = multiprocessing.get_context(way)
    p = mp.Process(target=child, args=(5,))
    p.start(); p.join()
    print(p.exitcode)
if __name__ == "__main__":
"""


def program(bench: Bench, way: str) -> Path:
    bench.script(MIRROR + "if __name__ == '__main__': mirror(sys.argv[1])\n", "mirror.py").chmod(0o644)
    body = WAYS[way] + "\nmirror('parent')\n"
    return bench.script(PRELUDE + "".join("    " + line + "\n" for line in body.splitlines()))


def one(ways: Iterable[str], *of_all: str) -> list[Any]:
    """All of them on one interpreter, those of_all on each."""
    return [w if w in of_all else pytest.param(w, marks=pytest.mark.one_interpreter) for w in ways]


@pytest.mark.parametrize("way", one(WAYS, "fork", "subprocess script"))
def test_followed_children_are_as_plain(bench: Bench, python: str, way: str) -> None:
    app = program(bench, way)
    expected, got = bench.alone(app), bench.watched(app, options=FOLLOW)
    assert got.plain() == expected.plain()


@pytest.mark.one_interpreter
@pytest.mark.parametrize("way", ["fork", "subprocess script", "no Python", "multiprocessing spawn"])
def test_by_default_nobody_is_followed(bench: Bench, python: str, way: str) -> None:
    bench.same(program(bench, way))
    assert [p.name for p in bench.folder.glob("*.hlens")] == ["out.hlens"]


# How many were forked or started, and are not looked at: not those that were forked to become another program.
UNSEEN = {
    "import os\nfor _ in range(3):\n    pid = os.fork()\n    if not pid: os._exit(0)\n    os.waitpid(pid, 0)":
        "3 processes did that it forked",
    "import multiprocessing as m\nwith m.get_context('fork').Pool(2) as p: print(p.map(abs, [-1, 2]))":
        "2 processes did that it forked",
    "import subprocess as s\nfor _ in range(3): s.run(['true'])\ns.run(['true'], preexec_fn=int)\n"
    "import os; os.system('true')": "",
    "import os\npid = os.fork()\nif not pid: os.execv('/bin/sh', ['sh', '-c', 'exit 0'])\nos.wait()": "",
    "print(sum(range(10)))": "",
    "import subprocess as s, sys\nfor _ in range(3): s.run([sys.executable, '-c', ''])\n"
    "s.run([sys.executable, '-c', ''], preexec_fn=int)": "4 Python processes did that it started",
    "import os, sys\nos.waitpid(os.posix_spawn(sys.executable, [sys.executable, '-c', ''], os.environ), 0)\n"
    "try: os.posix_spawn('/no/python', ['python'], {})\nexcept OSError as e: print(e.errno)\n"
    "try: __import__('subprocess').run(['/no/python'])\nexcept OSError as e: print(e.errno)":
        "1 Python process did that it started",
    "import os, sys\nif not os.fork(): os._exit(0)\nos.wait()\nif not os.fork(): os.execv(sys.executable, ['x', '-c', ''])\n"
    "os.wait()": "1 process did that it forked, and 1 Python process that it started",
    "import os, sys\nos.execv(sys.executable, ['x', '-c', ''])": "",
}


@pytest.mark.parametrize("code", UNSEEN)
def test_what_unfollowed_processes_do_is_said_not_to_be_seen(bench: Bench, python: str, code: str) -> None:
    said = bench.watched("-c", code, options=()).stderr
    words = UNSEEN[code] and f"  not seen: what {UNSEEN[code]}; --follow-children looks at them, too"
    assert words in said and bool(words) == ("not seen: what" in said), said
    assert "not seen: what" not in bench.watched("-c", code, options=("--follow-children",)).stderr


LEAK = """import os, sys, time
cache = {}
def lookup(key):
    if key not in cache:
        cache[key] = bytearray(2000)
    return cache[key]
def work(leaks, seconds=1.8, cpu=.2):
    if leaks: open("leaking", "a").write("%d\\n" % os.getpid())
    n, end, enough = 0, time.time() + seconds, time.process_time() + cpu
    # looks are paid for with the program's own time: on a busy machine that takes longer
    while time.time() < end or time.process_time() < enough:
        for _ in range(40):
            n += leaks
            lookup("key %d" % n)
        sum(range(10000))
        time.sleep(.004)
"""

# Who makes them, and what it takes.
LEAKERS = {
    "fork": """
import leak
pids = []
for i in range(4):
    pid = os.fork()
    if not pid:
        leak.work(i % 2)
        os._exit(0)
    pids.append(pid)
for pid in pids: os.waitpid(pid, 0)
""",
    "multiprocessing spawn": "run('spawn')",
    "multiprocessing forkserver": "run('forkserver')",
    "a shell's": """
import subprocess
ps = [subprocess.Popen("%s -c 'import leak; leak.work(%d)'; true" % (sys.executable, i % 2), shell=True) for i in range(4)]
for p in ps: p.wait()
""",
    "grandchildren": """
import leak
for i in range(2):
    if not os.fork():
        for k in range(2):
            if not os.fork():
                leak.work(k)
                os._exit(0)
        for k in range(2): os.wait()
        os._exit(0)
for i in range(2): os.wait()
""",
    "daemons": """
import leak
r, w = os.pipe()
for i in range(4):
    if not os.fork():
        os.setsid()
        if os.fork(): os._exit(0)
        os.close(r)
        leak.work(i % 2)
        os._exit(0)
    os.wait()
os.close(w)
os.read(r, 1)
time.sleep(.1)
""",
}
MULTI = """import os, sys, time
def work(i):
    import leak
    leak.work(i)
def run(way):
    import multiprocessing
    mp = multiprocessing.get_context(way)
    ps = [mp.Process(target=work, args=(i % 2,)) for i in range(4)]
    for p in ps: p.start()
    for p in ps: p.join()
if __name__ == "__main__":
"""


@pytest.mark.one_interpreter
@pytest.mark.parametrize("way", LEAKERS)
def test_the_workers_that_leak_are_found(bench: Bench, python: str, way: str) -> None:
    bench.script(LEAK, "leak.py")
    body = "".join("    " + line + "\n" for line in LEAKERS[way].splitlines())
    done = bench.watched(bench.script(MULTI + body), options=("--json", *SEEN))
    assert done.status == 0, done.stderr
    said = done.diagnosis()
    [found] = [f for f in said["findings"] if f["holder"]["name"] == "leak.cache"]
    # a worker on a busy machine may be seen too seldom to tell: but nobody else is accused
    leaking = set(map(int, (bench.folder / "leaking").read_text().split()))
    assert len(leaking) == 2 and {p["pid"] for p in found["processes"]} <= leaking, done.stderr
    assert said["verdict"] in ("leak", "undecided")
    pids = {p["pid"]: p for p in said["processes"]}
    assert leaking <= set(pids)
    assert len(pids) == len(said["processes"]) >= 5
    assert said["processes"][0]["parent"] is None and said["processes"][0]["pid"] == said["target"]["pid"]
    assert all(p["parent"] for p in said["processes"][1:])
    assert found["growth"]["bytes"] == sum(p["bytes"] for p in found["processes"])
    assert all(share["pid"] in pids and share["bytes"] > 256 << 10 for share in found["processes"])
    # the files say the same
    again = diagnose(bench, bench.folder)
    assert [f["fingerprint"] for f in again["findings"]] == [f["fingerprint"] for f in said["findings"]]
    assert {p["pid"] for p in again["processes"]} == set(pids)


def diagnose(bench: Bench, *files: Any, code: int = 0) -> dict[str, Any]:
    done = bench.execute([EXE, "diagnose", "--json", "--min-growth", "256K", *files])
    assert done.status == code, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


SIMPLE = """import os, time
import leak
if not os.fork():
    leak.work(1)
    os._exit(0)
os.wait()
"""


def run_simple(bench: Bench, *options: str) -> list[Path]:
    bench.script(LEAK, "leak.py")
    done = bench.watched(bench.script(SIMPLE), options=(*FOLLOW, *options))
    assert done.status == 0, done.stderr
    return sorted(bench.folder.glob("**/*.hlens"))


@pytest.mark.one_interpreter
def test_all_files_bear_the_run_id_and_the_pids(bench: Bench, python: str) -> None:
    files = run_simple(bench)
    assert len(files) == 2
    assert len({f.read_bytes()[16:24] for f in files}) == 1
    first, child = diagnose(bench, *files)["processes"]
    assert files[0].name == "out-%d.hlens" % child["pid"] and files[1].name == "out.hlens"
    assert child["parent"] == first["pid"] and child["exit"] == 0
    assert all(oct(f.stat().st_mode & 0o777) == "0o600" for f in files)


@pytest.mark.one_interpreter
def test_a_folder_takes_them_all(bench: Bench, python: str) -> None:
    bench.script(LEAK, "leak.py")
    words = [EXE, "run", "-q", "--follow-children", "-o", "out/", "--python", bench.python, bench.script(SIMPLE)]
    assert bench.execute(words).status == 0
    assert len(list(bench.folder.glob("out/heaplens-app-*.hlens"))) == 2
    assert not list(bench.folder.glob("*.hlens"))


@pytest.mark.one_interpreter
def test_a_broken_file_is_named_and_the_others_are_used(bench: Bench, python: str) -> None:
    files = run_simple(bench)
    whole = diagnose(bench, bench.folder)
    (bench.folder / "broken.hlens").write_bytes(b"no recording")
    words = [EXE, "diagnose", "--json", "--min-growth", "256K", bench.folder]
    done = bench.execute(words)
    assert done.status == 4 and "broken.hlens" in done.stderr
    assert json.loads(done.stdout)["findings"] == whole["findings"]
    done = bench.execute([EXE, "show", *files, bench.folder / "broken.hlens"])
    assert done.status == 4 and all(str(f) in done.stdout for f in files)
    done = bench.execute([EXE, "doctor", bench.folder])
    assert done.status == 4 and "2 whole" in done.stdout and "1 unreadable" in done.stdout


@pytest.mark.one_interpreter
def test_a_storm_leaves_no_files(bench: Bench, python: str) -> None:
    done = bench.watched(program(bench, "a storm of forks"), options=FOLLOW)
    assert done.status == 0
    assert [p.name for p in bench.folder.glob("*.hlens")] == ["out.hlens"]


@pytest.mark.one_interpreter
def test_a_worker_that_outlives_the_program_is_said_to_run(bench: Bench, python: str) -> None:
    bench.script(LEAK, "leak.py")
    app = bench.script("import os, time, leak\nif not os.fork():\n"
                       "    [os.dup2(os.open('/dev/null', os.O_RDWR), n) for n in (0, 1, 2)]\n"
                       "    leak.work(1, 6)\n    os._exit(0)\ntime.sleep(3)\n")
    done = bench.watched(app, options=("--json", *SEEN))
    said = done.diagnosis()
    assert [p["running"] for p in said["processes"]] == [False, True], done.stderr
    child = bench.folder / ("out-%d.hlens" % said["processes"][1]["pid"])
    deadline = time.time() + 20
    while time.time() < deadline:
        words = [EXE, "diagnose", "--json", child]
        later = json.loads(bench.execute(words).stdout)  # 4 while a snapshot is being written
        if later["target"]["exit"] is not None:
            break
        time.sleep(.1)
    assert later["target"]["exit"] == 0
    assert later["observed"]["snapshots"] > said["processes"][1]["snapshots"]


ENDED = {"terminated": 15, "killed": 9, "faulted": 11}


@pytest.mark.parametrize("how", one(ENDED, "terminated"))
def test_the_last_look_at_a_child_that_a_signal_ends(bench: Bench, python: str, how: str) -> None:
    """It is taken, and the end is told; but for the signal that nobody can catch."""
    signum = ENDED[how]
    app = bench.script("import os, signal, time\nr, w = os.pipe()\npid = os.fork()\nif not pid:\n    time.sleep(1.5)\n"
                       "    L = [[i] for i in range(3000)]\n    os.write(w, b'x')\n    signal.pause()\n"
                       f"os.read(r, 1)\nos.kill(pid, {signum})\nprint(os.waitpid(pid, 0)[1])\n")
    done = bench.watched(app, options=(*FOLLOW, "--interval", "3600000"))
    assert (done.status, done.stdout) == (0, f"{signum}\n"), done.stderr
    [child] = bench.folder.glob("out-*.hlens")
    seen = diagnose(bench, child)
    assert seen["target"]["exit"] == (None if how == "killed" else -signum)
    assert seen["observed"]["snapshots"] == (1 if how == "killed" else 2)


@pytest.mark.one_interpreter
def test_an_exec_leaves_two_files(bench: Bench, python: str) -> None:
    bench.script(LEAK, "leak.py")
    app = bench.script("import os, sys, time, leak\nif not os.fork():\n    time.sleep(1.3)\n"
                       "    os.execv(sys.executable, [sys.executable, '-c', 'import leak; leak.work(1, 1.5)'])\n"
                       "print(os.wait()[1])\n")
    done = bench.watched(app, options=FOLLOW)
    assert (done.status, done.stdout) == (0, "0\n")
    names = sorted(p.name for p in bench.folder.glob("out-*.hlens"))
    assert len(names) == 2 and names[0][:-len(".2.hlens")] == names[1][:-len(".hlens")], names


@pytest.mark.one_interpreter
def test_marks_count_in_a_child(bench: Bench, python: str) -> None:
    inside = bench.execute([bench.python, "-c", "import heaplens._inside"], env=package_path())
    if inside.status:
        pytest.skip("no package of heaplens for this interpreter")
    app = bench.script("import os, time, heaplens\nif not os.fork():\n"
                       "    for _ in range(40):\n        heaplens.mark(); time.sleep(.05)\n    os._exit(0)\nos.wait()\n")
    assert bench.watched(app, options=FOLLOW, env=package_path()).status == 0
    [child] = bench.folder.glob("out-*.hlens")
    assert diagnose(bench, child)["observed"]["rounds"] == 40


def package_path() -> dict[str, str]:
    folders = [str(p) for p in EXE.parent.parent.glob("lib/python3*/site-packages")]
    return {**environment(), "PYTHONPATH": os.pathsep.join(folders)}


@pytest.mark.one_interpreter
def test_another_version_is_followed_too(bench: Bench, python: str) -> None:
    others = [p for p in interpreters().values() if p != bench.python]
    if not others:
        pytest.skip("one interpreter only")
    bench.script(LEAK, "leak.py")
    app = bench.script("import subprocess, sys\nfor p in sys.argv[1:]:\n"
                       "    print(subprocess.run([p, '-c', 'import leak; leak.work(1)']).returncode)\n")
    done = bench.watched(app, *others[:2], options=("--json", *SEEN))
    assert done.stdout == "0\n" * len(others[:2])
    versions = [p["python"] for p in done.diagnosis()["processes"]]
    assert len(set(versions)) == len(versions) == 1 + len(others[:2])


@pytest.mark.one_interpreter
def test_the_words(bench: Bench, python: str) -> None:
    bench.script(LEAK, "leak.py")
    body = "".join("    " + line + "\n" for line in LEAKERS["fork"].splitlines())
    done = bench.watched(bench.script(MULTI + body), options=SEEN)
    assert re.search(r"[12] of 4 workers (leak|grow)s? here: leak.cache", " ".join(done.stderr.split())), done.stderr
    assert "5 processes: the first is" in done.stderr, done.stderr


@pytest.mark.one_interpreter
def test_nobody_waits_for_a_child(bench: Bench, python: str) -> None:
    """A child that ends does not wait for any verdict, also where it has a file."""
    app = bench.script("import os, time\npid = os.fork()\nif not pid:\n    time.sleep(1.5)\n    os._exit(0)\n"
                       "t = time.time(); os.waitpid(pid, 0); print(time.time() - t < 5)\n")
    assert bench.watched(app, options=FOLLOW).stdout == "True\n"


@pytest.mark.one_interpreter
def test_the_observer_killed_leaves_children_alone(bench: Bench, python: str) -> None:
    app = bench.script("import os, subprocess, sys, time\nprint('x', flush=True)\nsys.stdin.readline()\n"
                       "print(subprocess.run([sys.executable, '-c', 'print(5)']).returncode)\n")
    words = [EXE, "run", *FOLLOW, "-f", "-o", bench.file, "--python", bench.python, app]
    with subprocess.Popen([str(w) for w in words], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, env=environment()) as run:
        assert run.stdout and run.stdout.readline() == "x\n"
        sentinel = observer_of(bench.file)
        os.kill(sentinel, 9)
        out, err = run.communicate("\n", timeout=60)
    assert out == "5\n0\n"
    assert "preloaded" not in err and "ld.so" not in err, err


def observer_of(file: Path) -> int:
    """The process called heaplens whose command line names the file."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            comm = open(f"/proc/{pid}/comm").read()
            words = open(f"/proc/{pid}/cmdline").read()
        except OSError:
            continue
        if comm == "heaplens\n" and str(file) in words:
            return int(pid)
    raise AssertionError("no observer")


if __name__ == "__main__":
    sys.exit(pytest.main([__file__]))
