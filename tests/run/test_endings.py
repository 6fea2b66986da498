"""However a program ends: its output, its status and its signal are what they are without us."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET, environment

if TYPE_CHECKING:
    from conftest import Bench

HEAD = """import atexit, os, signal, sys, threading, time
L = [{"i": i} for i in range(20000)]
"""

ENDINGS = {
    "normal": "print('x')",
    "exit": "sys.exit(3)",
    "exit with a text": "sys.exit('bye')",
    "exit in a thread": "t = threading.Thread(target=lambda: sys.exit(4)); t.start(); t.join()",
    "exception": "def f(): 1 / 0\nf()",
    "_exit": "sys.stdout.write('lost'); os._exit(9)",
    "_exit in a thread": "threading.Thread(target=lambda: os._exit(8)).start(); time.sleep(20)",
    "term": "os.kill(os.getpid(), 15); time.sleep(20)",
    "term handled": "signal.signal(15, lambda *a: sys.exit(4)); os.kill(os.getpid(), 15); time.sleep(20)",
    "term ignored": "signal.signal(15, signal.SIG_IGN); os.kill(os.getpid(), 15); print('alive')",
    "int": "os.kill(os.getpid(), 2); time.sleep(20)",
    "int handled": "signal.signal(2, lambda *a: os._exit(7)); os.kill(os.getpid(), 2); time.sleep(20)",
    "kill": "print('x', flush=True); os.kill(os.getpid(), 9)",
    "term by default again": "signal.signal(15, lambda *a: None); print(signal.signal(15, signal.SIG_DFL) is None)\n"
                             "os.kill(os.getpid(), 15); print('alive')",
    "term while computing": "threading.Timer(.1, os.kill, (os.getpid(), 15)).start()\nwhile True: pass",
    "term in a call that keeps the GIL": "os.spawnlp(os.P_NOWAIT, 'sh', 'sh', '-c', 'sleep .3; kill %d' % os.getpid())\n"
                                         "pow(3, 2**600000, 10**3000 + 1)",
    "term with eight threads": "def w():\n while True: [{'a': i} for i in range(500)]\n"
                               "for _ in range(8): threading.Thread(target=w, daemon=True).start()\n"
                               "time.sleep(.2); os.kill(os.getpid(), 15); time.sleep(20)",
    "term of a forked child": "p = os.fork()\nif not p: time.sleep(20)\nos.kill(p, 15); print(os.wait()[1])",
    "hup blocked": "signal.pthread_sigmask(signal.SIG_BLOCK, [1]); os.kill(os.getpid(), 1); print(signal.sigwait([1]))",
    "pipe": "signal.signal(13, signal.SIG_DFL); r, w = os.pipe(); os.close(r); os.write(w, b'x'); print('alive')",
    "alarm": "signal.alarm(1); time.sleep(20)",
    "fault": "import ctypes; print('x', flush=True); ctypes.string_at(0)",
    "fault with a handler": "import ctypes, faulthandler; faulthandler.enable(); f = open(os.devnull, 'w')\n"
                            "faulthandler.enable(f); ctypes.string_at(0)",
    "fault in a thread": "import ctypes; t = threading.Thread(target=ctypes.string_at, args=(0,)); t.start(); t.join()",
    "segv of a forked child": "p = os.fork()\nif not p: os.kill(os.getpid(), 11)\nprint(os.wait()[1] & 127)",
    "stack used up": "class A:\n  pass\nx = A()\nfor _ in range(10**6): y = A(); y.x = x; x = y\n"
                     "import ctypes; threading.stack_size(65536 * 4)\n"
                     "d = ctypes.CFUNCTYPE(None)(lambda: d())\nsys.setrecursionlimit(10**8); d()",
    "segv": "print('x', flush=True); os.kill(os.getpid(), 11)",
    "abort": "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); os.abort()",
    "dispositions": "print([signal.getsignal(s) for s in (15, 1, 11, 6, 10, 17, 13)])",
    "daemon thread": "threading.Thread(target=lambda: [time.sleep(.001) for _ in range(10**6)], daemon=True).start()\n"
                     "time.sleep(.1)",
    "busy daemon threads": "def spin():\n while True: sum(range(1000))\n"
                           "for _ in range(4): threading.Thread(target=spin, daemon=True).start()\ntime.sleep(.1)",
    "thread outlives main": "threading.Thread(target=lambda: (time.sleep(.3), print('t done'))).start()",
    "atexit": "atexit.register(lambda: print('handler', len(L)))",
    "atexit raises": "atexit.register(lambda: 1 / 0)",
    "atexit exits": "atexit.register(lambda: os._exit(6))",
    "atexit cleared": "atexit._clear()",
    "atexit cleared early": "atexit._clear(); time.sleep(.1)",
    "atexit cleared by a handler": "atexit.register(lambda: atexit._clear())",
    "atexit cleared and used": "atexit._clear(); atexit.register(lambda: print('handler', len(L)))",
    "del at the end": "class C:\n def __del__(self): print('gone')\nkeep = C()",
    "exec": "print(1, flush=True); os.execv(sys.executable, [sys.executable, '-c', 'import os; "
            "print(sorted(k for k in os.environ if \"HEAPLENS_P\" in k or \"PRELOAD\" in k)); print(os.getpid() > 0)'])",
    "exec fails": "try: os.execv('/nonexistent/x', ['x'])\nexcept OSError as e: print(e)",
    "exec along PATH": "os.execlp('sh', 'sh', '-c', 'exit 12')",
    "exec of a descriptor": "os.execve(os.open('/bin/true', os.O_RDONLY), ['true'], os.environ)",
    "exit from C": "import ctypes; print(1, flush=True); ctypes.PyDLL(None).exit(11)",
    "broken pipe": "os.close(1); print('x')",
    "recursion": "def f(): f()\nsys.setrecursionlimit(200)\nf()",
    "bad syntax inside": "exec('1 +')",
}

# What takes seconds and differs little from one interpreter to the next.
SLOW = ["term in a call that keeps the GIL", "term with eight threads", "term of a forked child", "alarm", "stack used up",
        "fault with a handler", "fault in a thread", "segv of a forked child"]


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.one_interpreter) if n in SLOW else n for n in ENDINGS])
def test_ending(bench: Bench, python: str, name: str) -> None:
    bench.same(bench.script(HEAD + ENDINGS[name] + "\n"), "a b")


def test_last_look_though_cleared(bench: Bench, python: str) -> None:
    """The first look, and the one that the cleared list was to call."""
    got = bench.watched("-c", "import atexit; atexit._clear()", options=("--json",))
    assert got.diagnosis()["observed"]["snapshots"] == 2


# A library's destructor wakes its worker, blocked since the start, and waits for it to end.
WORKER = """
#include <pthread.h>
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_t worker;
static int over;
static void *work(void *unused)
{
    pthread_mutex_lock(&gate);
    while (!over)
        pthread_cond_wait(&changed, &gate);
    pthread_mutex_unlock(&gate);
    return unused;
}
__attribute__((constructor)) static void begin(void) { pthread_create(&worker, 0, work, 0); }
__attribute__((destructor)) static void end(void)
{
    pthread_mutex_lock(&gate);
    over = 1;
    pthread_cond_signal(&changed);
    pthread_mutex_unlock(&gate);
    pthread_join(worker, 0);
}
"""


def test_library_with_a_worker(bench: Bench, python: str) -> None:
    source, library = bench.folder / "worker.c", bench.folder / "worker.so"
    source.write_text(WORKER)
    subprocess.run(["cc", "-shared", "-fPIC", "-pthread", "-o", library, source], check=True)
    bench.same(bench.script(HEAD + f"import ctypes\nctypes.CDLL({str(library)!r})\nprint('loaded')\n"))


FORKS = {
    "fork": "p = os.fork()\nif not p: sys.exit(5)\nprint(os.waitstatus_to_exitcode(os.waitpid(p, 0)[1]))",
    "fork and _exit": "p = os.fork()\nif not p: os._exit(5)\nprint(os.wait()[1])",
    "fork, the parent first": "p = os.fork()\nif not p: time.sleep(.2); print('child', flush=True); os._exit(0)",
    "no children of ours": "time.sleep(.2)\ntry: os.wait()\nexcept ChildProcessError as e: print(e)",
    "many forks": "for _ in range(50):\n p = os.fork()\n if not p: os._exit(7)\n assert os.wait() == (p, 7 << 8)",
    "multiprocessing": "import multiprocessing as mp\ndef w(): print('child', flush=True)\n"
                       "c = mp.get_context('fork').Process(target=w); c.start(); c.join(); print(c.exitcode)",
    "spawned": "import multiprocessing as mp\nif __name__ == '__main__':\n"
               " c = mp.get_context('spawn').Process(target=print, args=('child',)); c.start(); c.join(); print(c.exitcode)",
    "subprocess": "import subprocess; print(subprocess.run([sys.executable, '-c', 'print(1)']).returncode)",
    "subprocess fails": "import subprocess\ntry: subprocess.run(['/nonexistent/x'])\nexcept OSError as e: print(e)",
    "system": "print(os.system('exit 3'))",
}


@pytest.mark.parametrize("name", list(FORKS))
@pytest.mark.parametrize("flags", [(), ("-W", "error")], ids=["", "strict"])
def test_children(bench: Bench, python: str, name: str, flags: tuple[str, ...]) -> None:
    script = bench.script(HEAD + FORKS[name] + "\n")
    words = " ".join([python, *flags])
    expected = bench.alone(*flags, script)
    bench.python = words
    got = bench.watched(script)
    assert got.plain() == expected.plain()


LOOKS = {
    "a tight loop": "n = 0\nend = time.time() + 1\nwhile time.time() < end:\n n += 1\nprint('done')",
    "eight threads": "def w():\n end = time.time() + .7\n while time.time() < end: [{'a': i} for i in range(500)]\n"
                     "ts = [threading.Thread(target=w) for _ in range(8)]\n[t.start() for t in ts]; [t.join() for t in ts]",
    "forks while looked at": "for _ in range(100):\n p = os.fork()\n if not p: x = [i for i in range(1000)]; os._exit(7)\n"
                             " assert os.wait() == (p, 7 << 8)",
    "an alarm": "signal.signal(14, lambda *a: None); signal.setitimer(signal.ITIMER_REAL, .001, .001)\n"
                "time.sleep(.5); print('done')",
    "patience of forked children": "end = time.time() + .45\nodd = 0\nwhile time.time() < end:\n p = os.fork()\n"
                                   " if not p: os._exit(sys.getswitchinterval() != .005)\n odd += os.waitpid(p, 0)[1]\n"
                                   "print(odd)",
    "descriptors closed": "end = time.time() + .4\nwhile time.time() < end: os.closerange(3, 500)\nprint('done')",
    "no descriptor left": "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3)); time.sleep(.3); print('done')",
    "no address space left": "import resource\nn = int(open('/proc/self/statm').read().split()[0]) * 4096 + (4 << 20)\n"
                             "resource.setrlimit(resource.RLIMIT_AS, (n, n)); time.sleep(.3); print('done')",
    "no file size left": "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (99, 99)); time.sleep(.3); print('done')",
    "deep recursion": "sys.setrecursionlimit(10**6)\ndef f(n): return f(n - 1) + 1 if n else time.sleep(.3) or 0\n"
                      "print(f(50000 if sys.version_info >= (3, 11) else 5000))",
    "deep nesting": "x = []\nfor _ in range(300000): x = [x]\ntime.sleep(.3); print('done', flush=True); os._exit(2)",
    "threads come and go": "for _ in range(300):\n t = threading.Thread(target=lambda: [{} for _ in range(300)])\n"
                           " t.start(); t.join()\nprint('done')",
    "an interpreter of its own GIL": "if sys.version_info < (3, 12): os._exit(3)\n"
                                     "try: import _interpreters as i\nexcept ImportError: import _xxsubinterpreters as i\n"
                                     "run = getattr(i, 'exec', None) or i.run_string\n"
                                     "code = 'x = []\\nwhile True:\\n x.append([{}])\\n if len(x) > 999: x.clear()'\n"
                                     "threading.Thread(target=run, args=(i.create(), code), daemon=True).start()\n"
                                     "time.sleep(.3); print('done', flush=True); os._exit(3)",
    "all at once to _exit": "def w(): time.sleep(.3); os._exit(3)\n"
                            "for _ in range(20): threading.Thread(target=w).start()\ntime.sleep(20)",
}


@pytest.mark.parametrize("name", list(LOOKS))
def test_often_looked_at(bench: Bench, python: str, name: str) -> None:
    script = bench.script(HEAD + LOOKS[name] + "\n")
    expected = bench.alone(script)
    got = bench.watched(script, options=(*QUIET, "--interval", "20", "--max-snapshots", "100"))
    assert got.plain() == expected.plain()


def popen(bench: Bench, *words: Any, **more: Any) -> subprocess.Popen[str]:
    line = [EXE, "run", "-f", "-o", bench.file, "--python", bench.python, *words]
    return subprocess.Popen([str(w) for w in line], text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            env=environment(), cwd=bench.folder, **more)


WAITING = "import time\nL = []\nprint('up', flush=True)\nfor i in range(10**6): L.append(str(i)); time.sleep(.001)\n"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL, signal.SIGHUP])
def test_signal_from_outside(bench: Bench, python: str, signum: signal.Signals) -> None:
    """The program's group gets it, as from a terminal; the verdict comes all the same."""
    program = popen(bench, bench.script(WAITING), start_new_session=True)
    assert program.stdout and program.stdout.readline() == "up\n"
    time.sleep(1)
    os.killpg(program.pid, signum)
    _, said = program.communicate(timeout=30)
    assert program.returncode == -signum
    assert "observed in" in said and "recording" in said
    if signum == signal.SIGINT:
        assert "KeyboardInterrupt" in said
    elif signum == signal.SIGKILL:
        assert "without a farewell" in said
    else:
        assert f"left by signal {int(signum)}" in said


def test_interrupts_while_the_verdict_is_made(bench: Bench, python: str) -> None:
    code = "import os, sys\nL = [{i: str(i)} for i in range(300000)]\nsys.stdout.write('up\\n'); sys.stdout.flush()\n"
    program = popen(bench, bench.script(code), start_new_session=True)
    assert program.stdout and program.stdout.readline() == "up\n"
    for _ in range(10):
        time.sleep(0.03)
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGINT)
    _, said = program.communicate(timeout=30)
    assert "recording" in said


def test_it_is_the_program(bench: Bench, python: str) -> None:
    """The pid that was started is the pid that runs, with its own arguments and no descriptor of ours."""
    code = ("import os\nprint(os.getpid(), flush=True)\n"
            "print(open('/proc/self/cmdline').read().split('\\0')[1:-1], sorted(os.listdir('/proc/self/fd')))\n")
    script = bench.script(code)
    program = popen(bench, script, "x", stdin=subprocess.DEVNULL)
    out, _ = program.communicate(timeout=30)
    alone = bench.alone(script, "x").stdout
    assert out.splitlines()[0] == str(program.pid)
    assert out.splitlines()[1:] == alone.splitlines()[1:]


def test_the_verdict_comes_before_the_end(bench: Bench, python: str) -> None:
    """Whoever waits for the program has the verdict: nothing appears after the prompt."""
    script = bench.script(HEAD + "sys.exit(3)")
    with open(bench.folder / "said", "w+") as said:
        subprocess.run([EXE, "run", "-f", "-o", bench.file, "--python", python, script], stderr=said, env=environment())
        said.seek(0)
        assert "recording" in said.read()


def test_standard_error_is_closed(bench: Bench, python: str) -> None:
    script = bench.script("import os, sys\nprint(sorted(os.listdir('/proc/self/fd'))); sys.exit(3)")
    line = "exec {} 2>&- <&-"
    expected = bench.execute(["sh", "-c", line.format(f"{python} {script}")])
    got = bench.execute(["sh", "-c", line.format(f"{EXE} run -f -o {bench.file} --python {python} {script}")])
    assert got.plain() == expected.plain()
    assert bench.file.read_bytes()[:6] == b"\x89HLENS"


def sentinel_of(bench: Bench) -> int:
    """The process that has our file on its command line and is not the program."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")
            if str(bench.file).encode() in words and (folder / "comm").read_text() == "heaplens\n":
                return int(folder.name)
        except OSError:
            continue
    raise AssertionError("no sentinel")


@pytest.mark.parametrize("options,own,status", [((), 7, 7), ((), 0, 0), (("--fail-on", "strong"), 0, 4)])
def test_the_observer_is_killed(bench: Bench, python: str, options: tuple[str, ...], own: int, status: int) -> None:
    """The program ends as it would have, and says where the recording is. A check that could not be made failed."""
    code = "import sys\nprint('up', flush=True)\nsys.stdin.read()\nsys.exit(int(sys.argv[1]))\n"
    program = popen(bench, *options, bench.script(code), own, stdin=subprocess.PIPE)
    assert program.stdout and program.stdout.readline() == "up\n"
    os.kill(sentinel_of(bench), signal.SIGKILL)
    _, said = program.communicate(timeout=30)
    assert program.returncode == status
    assert f"heaplens diagnose {bench.file}" in said


def test_fail_on(bench: Bench, python: str) -> None:
    """A program that failed keeps its status; one that did not gets the verdict's."""
    script = bench.script("import sys\nif sys.argv[1:]: sys.exit(int(sys.argv[1]))")
    assert bench.watched("--fail-on", "possible", script, options=()).status == 0
    assert bench.watched("--fail-on", "possible", script, "9", options=()).status == 9
    leak = bench.script("import gc, time\ngc.disable()\nclass A: pass\n"
                        "def f():\n a = A(); b = A(); a.b = b; b.a = a; a.x = bytearray(2000)\n"
                        "for i in range(8):\n"
                        " for _ in range(2000): f()\n"
                        " time.sleep(.15)\n")
    got = bench.watched("--fail-on", "possible", leak, options=())
    assert got.status == 1, got.stderr
