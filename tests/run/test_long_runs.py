"""Runs that last: the file stays short, can be read at any moment, and survives whatever happens to the program."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, environment

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.one_interpreter  # a file is a file

GROWS = "import time\nL = []\nwhile True: L.extend({'a': [i]} for i in range(200)); time.sleep(.002)\n"
MOMENTS = int(os.environ.get("HEAPLENS_MOMENTS", "8"))  # `make moments` takes 200
HANDS = 4


def start(bench: Bench, *words: Any) -> subprocess.Popen[bytes]:
    line = [EXE, "run", "-f", "-o", bench.file, "--python", bench.python, *words]
    return subprocess.Popen([str(w) for w in line], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                            env=environment(), start_new_session=True)


def state(bench: Bench) -> dict[str, Any]:
    done = bench.execute([EXE, "doctor", "--json", bench.file])
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_the_number_of_snapshots_is_bounded(bench: Bench, python: str) -> None:
    code = GROWS.replace("while True:", "for _ in range(500):")
    got = bench.watched("-c", code, options=("--interval", "20", "--max-snapshots", "6"))
    assert "(6 kept)" in got.stderr
    assert state(bench)["snapshots"] == {"whole": 6, "torn": 0, "broken": 0}
    assert [p.name for p in bench.folder.iterdir()] == [bench.file.name]


def test_what_remains_spans_the_run(bench: Bench, python: str) -> None:
    """The first and the last look stay, and growth is still seen for what it is."""
    code = "import time\nL = []\nend = time.time() + 2\nwhile time.time() < end:\n L.append(bytearray(50000)); time.sleep(.001)"
    got = bench.watched("-c", code, options=("--json", "--interval", "25", "--max-snapshots", "8"))
    seen = got.diagnosis()["observed"]
    assert seen["snapshots"] == 8
    assert seen["heap_bytes"][0] < 20e6 < 40e6 < seen["heap_bytes"][1]


def test_the_size_of_the_file_is_bounded(bench: Bench, python: str) -> None:
    code = "import time\nL = [{'a': [i]} for i in range(20000)]\nfor _ in range(60): L.append([_]); time.sleep(.02)"
    bench.watched("-c", code, options=("--interval", "20", "--max-snapshots", "1000"))
    free = bench.file.stat().st_size
    bench.watched("-c", code, options=("--interval", "20", "--max-snapshots", "1000", "--max-file", "1M"))
    assert bench.file.stat().st_size <= 1 << 20 < free
    assert state(bench)["snapshots"]["whole"] >= 3


def test_read_while_it_is_written_and_thinned(bench: Bench, python: str) -> None:
    program = start(bench, "--interval", "10", "--max-snapshots", "4", "-c", GROWS)
    try:
        time.sleep(0.5)
        for _ in range(25):
            got = bench.execute([EXE, "diagnose", "--json", bench.file])
            assert got.status in (0, 4), got.stderr
            assert json.loads(got.stdout)["observed"]["snapshots"] >= 1
    finally:
        os.killpg(program.pid, signal.SIGKILL)
        program.wait()


def observers(bench: Bench) -> list[int]:
    """Who has our file on the command line: not the program, whose words are its own."""
    found = []
    for name in os.listdir("/proc"):
        try:
            if name.isdigit() and str(bench.file).encode() in open(f"/proc/{name}/cmdline", "rb").read().split(b"\0"):
                found.append(int(name))
        except OSError:
            continue
    return found


@pytest.mark.parametrize("hand", range(HANDS))
@pytest.mark.parametrize("how", ["--no-track", "--exact", "--sample=64K"])
def test_killed_at_any_moment(bench: Bench, python: str, how: str, hand: int) -> None:
    """The program, or all that belongs to it: the file opens, and what was whole is there."""
    dice = random.Random(f"{python} {how} {hand}")
    for moment in range(hand, MOMENTS, HANDS):
        program = start(bench, *how.split("="), "--interval", "10", "--max-snapshots", "4", "-c", GROWS)
        for _ in range(1000):
            if bench.file.exists():
                break
            time.sleep(0.005)
        time.sleep(dice.uniform(0, 1.2))
        victims = [program.pid, *(observers(bench) if moment // HANDS % 2 else [])]
        for pid in victims:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        program.wait()
        for _ in range(400):
            if not observers(bench):
                break
            time.sleep(0.01)
        if moment // HANDS % 2 == 0 and not bench.file.exists():
            continue  # the observer took an empty recording away
        got = bench.execute([EXE, "diagnose", "--json", bench.file])
        assert got.status in (0, 4, 5), (moment, got.stderr)
        assert state(bench)["snapshots"]["broken"] == 0
        if state(bench)["snapshots"]["whole"] > 1 and how != "--no-track":
            made = bench.execute([EXE, "show", bench.file, "--view", "allocs", "--json"])
            assert made.status == 0 and json.loads(made.stdout)["rows"], (moment, made.stderr)
        bench.file.unlink()
        bench.file.with_name(bench.file.name + ".thin").unlink(missing_ok=True)
