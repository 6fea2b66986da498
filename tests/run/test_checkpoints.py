"""Looks that are asked for: by a signal, at a size, when memory is missing; and looks nobody lets us take."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, environment

if TYPE_CHECKING:
    from conftest import Bench

SELDOM = ("--json", "--interval", "3600000")  # nothing by itself but the start and the end


def looks(done: Any) -> int:
    number: int = done.diagnosis()["observed"]["snapshots"]
    return number


@pytest.mark.one_interpreter
def test_on_a_signal(bench: Bench, python: str) -> None:
    code = "import os, signal, time\nfor _ in range(3): os.kill(os.getpid(), signal.SIGUSR2); time.sleep(.2)\nprint('on')"
    got = bench.watched("-c", code, options=(*SELDOM, "--signal", "USR2"))
    assert (got.status, got.stdout) == (0, "on\n")
    assert looks(got) == 5


def test_the_signal_stays_the_programs(bench: Bench, python: str) -> None:
    """Its handler runs, its table says what it put there, its children meet the default."""
    code = ("import os, signal, time\ngot = []\nprint(signal.getsignal(12))\n"
            "def note(number, frame): got.append(number)\n"
            "print(signal.signal(12, note) is signal.SIG_DFL, signal.getsignal(12) is note)\n"
            "for _ in range(3): os.kill(os.getpid(), 12); time.sleep(.05)\n"
            "print(got, signal.signal(12, signal.SIG_IGN) is note)\nos.kill(os.getpid(), 12)\n"
            "p = os.fork()\nif not p: signal.signal(12, signal.SIG_DFL); os.kill(os.getpid(), 12); os._exit(3)\n"
            "print(os.wait()[1])\nsignal.signal(12, note)\nsignal.siginterrupt(12, False)\n"
            "import threading\nthreading.Timer(.1, os.kill, (os.getpid(), 12)).start(); time.sleep(.3); print(got)\n")
    alone = bench.alone("-c", code)
    got = bench.watched("-c", code, options=("-q", "--min-growth", "1G", "--signal", "12"))
    assert got.plain() == alone.plain()


def test_a_signal_nobody_could_survive(bench: Bench) -> None:
    for name in ("KILL", "SEGV", "STOP", "9", "", "USR3"):
        got = bench.watched("--signal", name, "-c", "print(1)", options=())
        assert (got.status, got.stdout) == (2, "")
        assert "--signal takes" in got.stderr


@pytest.mark.one_interpreter
def test_at_a_size(bench: Bench, python: str) -> None:
    code = "import time\nL = [bytearray(10**6) for _ in range(100)]\ntime.sleep(.3)\ndel L\ntime.sleep(.1)"
    assert looks(bench.watched("-c", code, options=(*SELDOM, "--at-rss", "60M"))) == 3
    assert looks(bench.watched("-c", code, options=(*SELDOM, "--memory-limit", "600M", "--at-rss", "10%"))) == 3
    assert looks(bench.watched("-c", code, options=(*SELDOM, "--at-rss", "600M"))) == 2


@pytest.mark.parametrize("size", ["0", "x", "0%", "101%", "%", "5.5%"])
def test_a_size_that_is_none(bench: Bench, size: str) -> None:
    got = bench.watched("--at-rss", size, "-c", "pass", options=())
    assert got.status == 2
    assert "--at-rss takes" in got.stderr


WANT = {
    "large": "while True: L.append(bytearray(10**6))",
    "small": "while True: L.extend([{'a': [1, 2]}])",  # an append that fails lets its argument go twice in 3.15.0
    "absurd": "bytearray(1 << 60)",
    "raised": "raise MemoryError",
    "a subclass": "class E(MemoryError): pass\nraise E(1)",
}


@pytest.mark.parametrize("name", ["small", *(pytest.param(n, marks=pytest.mark.one_interpreter) for n in WANT if n != "small")])
def test_when_memory_is_missing(bench: Bench, python: str, name: str) -> None:
    """What was there is in the file, though the program has let it go since."""
    body = "\n".join("    " + line for line in WANT[name].splitlines())
    code = ("import resource, time\ntime.sleep(.8)\nn = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
            f"resource.setrlimit(resource.RLIMIT_AS, (n + (80 << 20), -1))\nL = []\ntry:\n{body}\n"
            "except MemoryError as e: L.clear(); print(type(e).__mro__[-4:], e.args)\ntime.sleep(.3)\n")
    alone = bench.alone("-c", code)
    if alone.status < 0:
        pytest.skip("this interpreter itself crashes where memory is missing")
    got = bench.watched("-c", code, options=SELDOM)
    assert (got.status, got.stdout) == (alone.status, alone.stdout)
    assert looks(got) == 3


def test_the_last_look_where_the_program_may_have_no_more(bench: Bench, python: str) -> None:
    """A limit of the program's is not ours: what looks lifts it for itself."""
    code = ("import resource\nL = [{} for _ in range(1000)]\n"
            "n = int(open('/proc/self/statm').read().split()[0]) * 4096\n"
            "resource.setrlimit(resource.RLIMIT_AS, (n + (1 << 20), -1))\n")
    got = bench.watched("-c", code, options=SELDOM)
    assert (got.status, looks(got)) == (0, 2), got.stderr


def test_one_call_keeps_the_interpreter(bench: Bench, python: str) -> None:
    """Looks without the GIL are in the file, and say so."""
    code = "import time\ntime.sleep(.1)\npow(3, 2**8000, 10**3000 + 1)"
    got = bench.watched("-c", code, options=("--max-snapshots", "400"))
    took = int(got.stderr.split("observed in ")[1].split()[0])
    assert took >= 4, got.stderr


@pytest.mark.one_interpreter
def test_killed_while_one_call_keeps_the_interpreter(bench: Bench, python: str) -> None:
    code = "L = [{} for _ in range(1000)]\npow(3, 2**900000, 10**3000 + 1)"
    line = [EXE, "run", "-f", "-o", bench.file, "--python", bench.python, "-c", code]
    program = subprocess.Popen([str(w) for w in line], stderr=subprocess.PIPE, text=True, env=environment())
    time.sleep(2)
    begun = time.monotonic()
    program.send_signal(signal.SIGTERM)
    _, said = program.communicate(timeout=30)
    assert program.returncode == -signal.SIGTERM
    assert time.monotonic() - begun < 15
    assert int(said.split("observed in ")[1].split()[0]) >= 3, said


@pytest.mark.one_interpreter
def test_the_cost_is_told(bench: Bench, python: str) -> None:
    got = bench.watched("-c", "sum(i for i in range(10**7))", options=())
    assert "of pause" in got.stderr and "of CPU" in got.stderr


@pytest.mark.one_interpreter
def test_no_trace_in_the_threads(bench: Bench, python: str) -> None:
    code = ("import os, sys, threading, time, warnings\nwarnings.simplefilter('error')\ntime.sleep(.3)\n"
            "print(threading.active_count(), len(sys._current_frames()))\n"
            "for _ in range(20):\n p = os.fork()\n if not p: os._exit(0)\n os.wait()\n time.sleep(.01)\n")
    bench.same("-c", code)
    assert os.path.exists(bench.file)


def test_what_is_compiled_is_imported(bench: Bench, python: str) -> None:
    """Without .pyc files most of an import is compiling, longer than any body runs: no look before it is over."""
    functions, modules = 60, 200  # one long call would be looked into, rightly
    body = "".join(f"def f{n}(a, b=({n}, 'x')):\n    return [a + i * {n} for i in range(b[0]) if i % 3] or {{'k': b}}\n"
                   for n in range(functions))
    for n in range(modules):
        bench.script(body, f"part{n}.py")
    bench.script("".join(f"import part{n}\n" for n in range(modules)) + "kept = [{n: n} for n in range(150_000)]\n")
    for _ in range(3):  # where compiling is starved even a short one is long
        bench.watched("app.py", options=("--json", "-f"))
        shown = bench.execute([EXE, "show", "--json", "--snapshot", "2", "--view", "types", bench.file])
        rows = {row["type"]: row["objects"] for row in json.loads(shown.stdout)["rows"]}
        if rows["function"] > functions * modules:
            break
    assert rows["function"] > functions * modules
