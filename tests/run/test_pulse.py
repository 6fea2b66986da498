"""When it looks: often enough in a short program, seldom in a long one; and what the file then says."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import EXE

if TYPE_CHECKING:
    from conftest import Bench

GROWING = """
import time
L = []
end = time.process_time() + {seconds}
while time.process_time() < end:
    L.append(bytearray(20000))
"""


def test_a_short_growing_program(bench: Bench, python: str) -> None:
    """A scheduler under load may let our thread sleep through all of it, so it has a few tries."""
    most = 0
    for _ in range(6):
        got = bench.watched("-c", GROWING.format(seconds=0.08), options=("--json",))
        most = max(most, got.diagnosis()["observed"]["snapshots"])
        if most >= 5:
            break
    assert most >= 5


BRIEF = """
L = []
for i in range({n}):
    L.append([i, str(i)])
"""


def test_a_program_that_is_over_before_a_look_is(bench: Bench, python: str) -> None:
    """It works for 30 ms, about as long as the first look takes: copies of it are looked at afterwards."""
    most = 0
    for _ in range(6):
        got = bench.watched("-c", BRIEF.format(n=80_000), options=("--json",)).diagnosis()
        most = max(most, got["observed"]["snapshots"])
        assert got["observed"]["snapshots_torn"] == 0
        if most >= 5:
            break
    assert most >= 5


def in_group(pgrp: int) -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        if words[0] != "Z" and int(words[2]) == pgrp:
            found.append(stat.parent.name)
    return found


LEAVES = {
    "killed": "os.kill(os.getpid(), 9)",
    "exits at once": "os._exit(0)",
    "becomes another": "os.execv('/bin/sleep', ['sleep', '1'])",
}


@pytest.mark.parametrize("leaves", LEAVES)
def test_no_copy_outlives_the_program(bench: Bench, python: str, leaves: str) -> None:
    bench.script(
        "import os\nos.setpgrp()\nprint(os.getpid(), flush=True)\n"
        + BRIEF.format(n=60_000)
        + LEAVES[leaves]
    )
    for _ in range(3):
        pgrp = int(bench.watched("app.py").stdout)
        until = time.monotonic() + 5
        while (left := in_group(pgrp)) and time.monotonic() < until:
            time.sleep(0.05)
        assert not left


def test_a_flat_program(bench: Bench, python: str) -> None:
    got = bench.watched("-c", "import time; time.sleep(1.5)", options=("--json",))
    assert 4 <= got.diagnosis()["observed"]["snapshots"] <= 14


# Each takes a second and a half, whatever the machine.
AT_WORK = {
    "computes": "end = time.time() + 1.5\nn = 0\nwhile time.time() < end: n += 1",
    "sleeps": "time.sleep(1.5)",
    "sleeps often": "for _ in range(300): time.sleep(.005)",
    "in C, keeps the interpreter": "import re\nre.match('(a*)*b', 'a' * 20)\nbegun = time.time()\nre.match('(a*)*b', 'a' * 21)\n"
                                   "once = time.time() - begun\nmore = 21\n"
                                   "while once < 1: once *= 2; more += 1\nre.match('(a*)*b', 'a' * more)",
    "in C, lets it go": "import hashlib\nend = time.time() + 1.5\nn = 100000\n"
                        "while time.time() < end: hashlib.pbkdf2_hmac('sha256', b'a', b'b', n); n *= 2",
    "waits for input": "import select\nselect.select([], [], [], 1.5)",
    "8 threads": "import threading\nend = time.time() + 1.5\ndef work():\n while time.time() < end: [{} for _ in range(1000)]\n"
                 "ts = [threading.Thread(target=work) for _ in range(8)]\n[t.start() for t in ts]\n[t.join() for t in ts]",
    "main waits for a thread": "import threading\nt = threading.Thread(target=time.sleep, args=(1.5,))\nt.start()\nt.join()",
    "event loop": "import asyncio\nend = time.time() + 1.5\nasync def work():\n while time.time() < end: await asyncio.sleep(0)\n"
                  "async def main(): await asyncio.gather(*(work() for _ in range(50)))\nasyncio.run(main())",
    "event loop that waits": "import asyncio\nasyncio.run(asyncio.sleep(1.5))",
    "forks": "import os\nend = time.time() + 1.5\nwhile time.time() < end:\n p = os.fork()\n if not p: os._exit(0)\n os.waitpid(p, 0)",
    "waits for a process": "import subprocess, sys\nsubprocess.run(['sleep', '1.5'], check=True)",
}


@pytest.mark.one_interpreter
@pytest.mark.parametrize("name", list(AT_WORK))
def test_four_looks_whatever_it_does(bench: Bench, python: str, name: str) -> None:
    got = bench.watched("-c", f"import time\n{AT_WORK[name]}", options=("--json",))
    observed = got.diagnosis()["observed"]
    assert got.status == 0
    assert observed["seconds"] > 1
    took = observed["snapshots"]
    if "keeps" in name:  # what is seen half-way is written, and not judged by
        took = json.loads(bench.execute([EXE, "doctor", "--json", bench.file]).stdout)["snapshots"]["whole"]
    assert took >= 4


def test_nothing_at_all(bench: Bench, python: str) -> None:
    observed = bench.watched("-c", "pass", options=("--json",)).diagnosis()
    assert observed["observed"]["snapshots"] == 2
    assert observed["target"]["exit"] == 0
    assert observed["verdict"] != "leak"


def test_exit_status_is_recorded(bench: Bench, python: str) -> None:
    assert bench.watched("-c", "raise SystemExit(7)", options=("--json",)).diagnosis()["target"]["exit"] == 7
    assert bench.watched("-c", "1/0", options=("--json",)).diagnosis()["target"]["exit"] == 1
    assert bench.watched("-c", "import os; os._exit(9)", options=("--json",)).diagnosis()["target"]["exit"] == 9


def test_interval_and_maximum(bench: Bench, python: str) -> None:
    options = ("--json", "--interval", "50", "--max-snapshots", "5")
    got = bench.watched("-c", "import time; time.sleep(1)", options=options)
    assert got.diagnosis()["observed"]["snapshots"] == 5


def test_one_snapshot(bench: Bench, python: str) -> None:
    got = bench.watched("-c", "pass", options=("--json", "--max-snapshots", "1"))
    assert got.diagnosis()["observed"]["snapshots"] == 1


def test_quiet(bench: Bench, python: str) -> None:
    assert bench.watched("-c", "print(1)", options=("-q",)).plain() == (0, "1\n", "")


def test_killed(bench: Bench, python: str) -> None:
    """What was seen up to the last look is there."""
    code = GROWING.format(seconds=0.5) + "import os; os.kill(os.getpid(), 9)"
    got = bench.watched("-c", code, options=("--json",))
    assert got.status == -9
    assert got.diagnosis()["observed"]["snapshots"] >= 3


def test_arguments_stay_out_of_the_file(bench: Bench, python: str) -> None:
    bench.watched("-c", "secret_code = 1", "secret argument")
    content = bench.file.read_bytes()
    assert b"secret argument" not in content
