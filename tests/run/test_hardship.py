"""When the system gives little: a clear word each time, and the program runs on to its own end."""

from __future__ import annotations

import os
import resource
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET, environment

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.one_interpreter

OFTEN = ("--interval", "20", "--max-snapshots", "100")


def limited(which: int, soft: int, hard: int) -> Any:
    return lambda: resource.setrlimit(which, (soft, hard))


def test_the_file_may_not_grow(bench: Bench, python: str) -> None:
    code = "import signal, time\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\ntime.sleep(.3)\nprint('done')"
    got = bench.watched("-c", code, options=OFTEN, preexec_fn=limited(resource.RLIMIT_FSIZE, 100000, 100000))
    assert (got.status, got.stdout) == (0, "done\n")
    assert "disk full: " in got.stderr or "no verdict" in got.stderr
    got = bench.watched("-c", code, options=OFTEN, preexec_fn=limited(resource.RLIMIT_FSIZE, 20000, 20000))
    assert got.status in (2, 3, 4) and not got.stdout
    assert "cannot make the page" in got.stderr


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


def test_no_proc(bench: Bench, python: str) -> None:
    """Without /proc the page cannot be reached: the program runs unobserved, and that is said."""
    script = bench.script("print('done')\n")
    got = in_a_small_disk(bench, f"mount -t tmpfs none /proc && {EXE} run -o {bench.file} --python {python} {script}")
    assert got.stdout == "done\n" or got.returncode in (2, 3), got
    assert "heaplens: " in got.stderr


def test_a_folder_that_cannot_be_written_to(bench: Bench, python: str) -> None:
    got = in_a_small_disk(bench, "mount -t tmpfs none /mnt && mount -o remount,ro /mnt && cd /mnt && "
                                 f"{EXE} run --python {python} -c 'print(1)'")
    assert got.returncode != 0
    assert got.stdout == ""
    assert "cannot create" in got.stderr and "Read-only" in got.stderr


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
