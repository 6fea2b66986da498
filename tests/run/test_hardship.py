"""When the system gives little: a clear word each time, and the program runs on to its own end."""

from __future__ import annotations

import os
import resource
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET, environment

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.one_interpreter

UNOBSERVED = "heaplens: the program runs unobserved: "
OFTEN = ("--interval", "20", "--max-snapshots", "100")


def limited(which: int, soft: int, hard: int) -> Any:
    return lambda: resource.setrlimit(which, (soft, hard))


def test_the_file_may_not_grow(bench: Bench, python: str) -> None:
    code = "import signal, time\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\ntime.sleep(.3)\nprint('done')"
    got = bench.watched("-c", code, options=OFTEN, preexec_fn=limited(resource.RLIMIT_FSIZE, 100000, 100000))
    assert (got.status, got.stdout) == (0, "done\n")
    assert "disk full: " in got.stderr or "no verdict" in got.stderr
    got = bench.watched("-c", code, options=OFTEN, preexec_fn=limited(resource.RLIMIT_FSIZE, 20000, 20000))
    assert (got.status, got.stdout) == (0, "done\n")
    assert UNOBSERVED + "cannot make the page" in got.stderr


def in_a_small_disk(bench: Bench, line: str) -> subprocess.CompletedProcess[str]:
    """In a mount namespace of its own; skipped where the system does not allow one."""
    words = ["unshare", "-rm", "sh", "-c", line]
    probe = subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True)
    if probe.returncode:
        pytest.skip("no mount namespaces here")
    return subprocess.run(words, capture_output=True, text=True, timeout=60, env=environment(), cwd=bench.folder)


def test_a_full_disk(bench: Bench, python: str) -> None:
    script = bench.script("import time\nL = [{'a': [i]} for i in range(100000)]\ntime.sleep(.3)\nprint('done')\n")
    got = in_a_small_disk(bench, "mount -t tmpfs -o size=200k none /mnt && "
                                 f"{EXE} run {' '.join(OFTEN)} -o /mnt/a.hlens --python {python} {script}")
    assert (got.returncode, got.stdout) == (0, "done\n")
    assert "disk full" in got.stderr


def test_a_disk_that_is_full_from_the_start(bench: Bench, python: str) -> None:
    """Somewhere else there is room; nowhere, where a file is named."""
    full = "mount -t tmpfs -o size=4k none /mnt && dd if=/dev/zero of=/mnt/all 2>/dev/null; cd /mnt && "
    line = f"TMPDIR={bench.folder} {EXE} run --python {python} "
    got = in_a_small_disk(bench, f"{full} {line} -c 'print(1)'")
    assert (got.returncode, got.stdout) == (0, "1\n")
    assert f"the recording is {bench.folder}/heaplens-command-" in got.stderr and "observed in" in got.stderr
    assert len(list(bench.folder.glob("heaplens-command-*.hlens"))) == 1
    got = in_a_small_disk(bench, f"{full} {line} -o here.hlens -c 'print(1); exit(7)'")
    assert (got.returncode, got.stdout) == (7, "1\n")
    assert UNOBSERVED + "disk full" in got.stderr


def test_no_proc(bench: Bench, python: str) -> None:
    """Without /proc the page cannot be reached: the program runs unobserved, and that is said."""
    script = bench.script("print('done')\n")
    line = f"{EXE} run -o {bench.file} --python {python} {script}"
    got = in_a_small_disk(bench, f"mount -t tmpfs none /proc && {line}")
    assert (got.returncode, got.stdout) == (0, "done\n")
    assert got.stderr == UNOBSERVED + "there is no /proc here, through which a program and its observer meet\n"
    assert not bench.file.exists()


READ_ONLY = "mount -t tmpfs none /mnt && mount -o remount,ro /mnt && cd /mnt && "


def test_a_folder_that_cannot_be_written_to(bench: Bench, python: str) -> None:
    """The recording goes where temporary files go, and that is said."""
    got = in_a_small_disk(bench, f"{READ_ONLY} TMPDIR={bench.folder} {EXE} run --python {python} -c 'print(1)'")
    assert (got.returncode, got.stdout) == (0, "1\n")
    assert "cannot create /mnt/heaplens-command-" in got.stderr and "Read-only" in got.stderr
    assert f"the recording is {bench.folder}/heaplens-command-" in got.stderr
    assert "heaplens: NO LEAK" in got.stderr
    file = next(bench.folder.glob("heaplens-command-*.hlens"))
    assert bench.execute([EXE, "diagnose", file]).status == 0


def test_nothing_can_be_written_to(bench: Bench, python: str) -> None:
    nowhere = "for f in /tmp /var/tmp; do mount --bind $f $f && mount -o remount,bind,ro $f; done; "
    command = "-c 'import sys; print(1); sys.exit(7)'"
    got = in_a_small_disk(bench, f"{READ_ONLY} {nowhere} TMPDIR=/mnt HOME=/mnt {EXE} run --python {python} {command}")
    assert (got.returncode, got.stdout) == (7, "1\n")
    assert UNOBSERVED + "cannot create /mnt/heaplens-command-" in got.stderr


def test_who_asks_for_a_status_is_not_told_that_all_is_well(bench: Bench, python: str) -> None:
    got = in_a_small_disk(bench, f"{READ_ONLY} {EXE} run --fail-on strong -o x --python {python} -c 'print(1)'")
    assert (got.returncode, got.stdout) == (3, "")
    assert "cannot create" in got.stderr and UNOBSERVED not in got.stderr


@pytest.mark.parametrize("most", [5, 6, 8, 16])
def test_few_descriptors(bench: Bench, python: str, most: int) -> None:
    few = limited(resource.RLIMIT_NOFILE, most, most)
    code = "import time; time.sleep(.1); print('done')"
    alone = bench.alone("-S", "-c", code, preexec_fn=few)
    got = bench.execute([EXE, "run", "-f", "-o", bench.file, "--python", f"{python} -S", "-c", code], preexec_fn=few)
    assert (got.status, got.stdout) == (alone.status, alone.stdout), got.stderr
    assert "observed in" in got.stderr or UNOBSERVED in got.stderr


def test_no_more_processes(bench: Bench) -> None:
    """Only who is not root has such a limit."""
    nobody = 65534
    if os.getuid() or not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("only root can become a user who has such a limit, and needs an interpreter everybody may run")

    def poor() -> None:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        os.setgroups([])
        os.setresgid(nobody, nobody, nobody)
        os.setresuid(nobody, nobody, nobody)

    words = [EXE, "run", "-f", "-o", f"/tmp/heaplens-poor-{os.getpid()}.hlens", "--python", "/usr/bin/python3", "-c"]
    if bench.execute(["test", "-x", EXE], preexec_fn=poor, cwd="/").status:
        pytest.skip("the user nobody has no right to run what is tested where it lies")
    got = bench.execute([*words, "print('done')"], preexec_fn=poor, cwd="/")
    assert (got.status, got.stdout) == (0, "done\n")
    assert UNOBSERVED + "cannot start the observing process" in got.stderr or "did not start" in got.stderr


@pytest.mark.parametrize("closed", ["0", "1", "2", "01", "02", "12", "012"])
def test_closed_streams(bench: Bench, python: str, closed: str) -> None:
    """Whatever is closed: the program finds it closed, and ends as it would."""
    code = ("import os, sys\nL = [{'a': [i]} for i in range(20000)]\n"
            "def there(fd):\n try: os.fstat(fd); return 1\n except OSError: return 0\n"
            "sys.exit(10 + sum(there(fd) << fd for fd in range(3)))")

    def close() -> None:
        for fd in closed:
            os.close(int(fd))

    alone, got = bench.alone("-c", code, preexec_fn=close), bench.watched("-c", code, preexec_fn=close)
    assert got.plain() == alone.plain()
    assert alone.status == 17 - sum(1 << int(fd) for fd in closed)
    assert bench.execute([EXE, "diagnose", bench.file]).status == 0


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_streams_that_take_nothing(bench: Bench, python: str, stream: str) -> None:
    code = f"import sys\nprint('x' * 10, file=sys.{stream})\nsys.{stream}.flush()"

    def full() -> None:
        os.dup2(os.open("/dev/full", os.O_WRONLY), 1 if stream == "stdout" else 2)

    alone, got = bench.alone("-c", code, preexec_fn=full), bench.watched("-c", code, preexec_fn=full)
    assert got.plain() == alone.plain() and alone.status
    assert bench.execute([EXE, "diagnose", bench.file]).status == 0


def test_killed_at_once(bench: Bench, python: str) -> None:
    """Before or while the first snapshot is taken: the file is there and opens, and the words agree with it."""
    for _ in range(20):
        got = bench.watched("-c", "import os; os.kill(os.getpid(), 9)", options=())
        assert got.status == -9
        assert "the program was killed or died without a farewell" in got.stderr, got.stderr
        assert "observed in 1 snapshot:" in got.stderr
    for moment in range(12):
        bench.file.unlink()
        line = [str(word) for word in (EXE, "run", "-f", "-o", bench.file, "--python", python, "-c", "import time; time.sleep(9)")]
        program = subprocess.Popen(line, stderr=subprocess.PIPE, text=True)
        while not bench.file.exists():
            time.sleep(0.001)
        time.sleep(moment / 200)
        program.kill()
        said = program.communicate(timeout=30)[1]
        status = bench.execute([EXE, "diagnose", bench.file]).status if bench.file.exists() else 5
        assert status == (0 if "observed in" in said else 5), said
        words = ("the program was over before the first snapshot", "nothing was examined")
        # killed before it had an observer, it has a file all the same
        assert not status or not said or any(word in said for word in words)
        bench.file.touch()


def test_little_address_space(bench: Bench, python: str) -> None:
    code = "import time\ntime.sleep(.3)\nprint('done')"
    for megabytes in (60, 100, 200):
        room = megabytes << 20
        alone = bench.alone("-c", code, preexec_fn=limited(resource.RLIMIT_AS, room, room))
        got = bench.watched("-c", code, options=OFTEN, preexec_fn=limited(resource.RLIMIT_AS, room, room))
        assert (got.status, got.stdout) == (alone.status, alone.stdout), got.stderr
        assert "observed in" in got.stderr or "heaplens: no verdict" in got.stderr, got.stderr


STORMS = {
    "forks": "for _ in range(300):\n p = os.fork()\n if not p: os._exit(7)\n assert os.waitpid(p, 0)[1] == 7 << 8\nprint('done')",
    "forks at once": "ps = []\nfor _ in range(60):\n p = os.fork()\n if not p: time.sleep(.2); os._exit(7)\n ps.append(p)\n"
                     "print({os.waitpid(p, 0)[1] for p in ps})",
    "threads": "for _ in range(1500):\n t = threading.Thread(target=int); t.start(); t.join()\nprint('done')",
    "threads at once": "ts = [threading.Thread(target=time.sleep, args=(.4,)) for _ in range(300)]\n"
                       "[t.start() for t in ts]; [t.join() for t in ts]; print('done')",
    "threads that fork": "def w():\n for _ in range(10):\n  p = os.fork()\n  if not p: os._exit(0)\n  os.waitpid(p, 0)\n"
                         "ts = [threading.Thread(target=w) for _ in range(8)]\n"
                         "[t.start() for t in ts]; [t.join() for t in ts]; print('done')",
    "signals": "n = []\nsignal.signal(10, lambda *a: n.append(1))\nfor _ in range(3000): os.kill(os.getpid(), 10)\nprint(len(n))",
    "memory errors": "def f():\n try: bytearray(1 << 60)\n except MemoryError: pass\nfor _ in range(3000): f()\nprint('done')",
    "processes": "import subprocess\nfor _ in range(15): subprocess.run(['/bin/true'], check=True)\nprint('done')",
}


@pytest.mark.parametrize("name", list(STORMS))
def test_storms(bench: Bench, python: str, name: str) -> None:
    script = bench.script("import os, signal, threading, time\n" + STORMS[name] + "\n")
    alone = bench.alone(script)
    got = bench.watched(script, options=(*QUIET, *OFTEN))
    assert got.plain() == alone.plain()
    assert os.path.getsize(bench.file)
