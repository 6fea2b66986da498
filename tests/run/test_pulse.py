"""When it looks: often enough in a short program, seldom in a long one; and what the file then says."""

from __future__ import annotations

from typing import TYPE_CHECKING

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


def test_a_flat_program(bench: Bench, python: str) -> None:
    got = bench.watched("-c", "import time; time.sleep(1.5)", options=("--json",))
    assert 4 <= got.diagnosis()["observed"]["snapshots"] <= 14


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
