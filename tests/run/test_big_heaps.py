"""Heaps that are too big to be read whole: long sequences of leaves are read in part, and what is told is right all the same."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from conftest import EXE

if TYPE_CHECKING:
    from conftest import Bench

# Each is held by a name of its own; together they are more than the 64 MB from which not everything is read.
HELD = """
import sys
numbers = list(range(10**6, 2 * 10**6))
words = ["w" * (i * i % 211) for i in range(300_000)]
halves = tuple(i / 2 for i in range(200_000))
nothing = [None, True, 7] * 50_000
with_one = [float(i) for i in range(100_000)]
with_one[54_321] = {"a": bytearray(9_000_000)}
with_big = ["%040d" % i for i in range(60_000)]
with_big[30_000] = "c" * 9_000_000
def whole(held):
    return sys.getsizeof(held) + sum(map(sys.getsizeof, held))
weights = {name: whole(globals()[name]) for name in ("numbers", "words", "halves", "with_big")}
weights["nothing"] = sys.getsizeof(nothing)
weights["with_one"] = whole(with_one) + 9_000_000
print(weights)
"""


def retained(bench: Bench, name: str) -> int:
    shown = bench.execute([EXE, "paths", "--json", bench.file, f"__main__.{name}"])
    bytes_: int = json.loads(shown.stdout)["chains"][0]["retained_bytes"]
    return bytes_


def test_what_long_sequences_hold_is_right_to_a_hundredth(bench: Bench, python: str) -> None:
    got = bench.watched(bench.script(HELD))
    weights = json.loads(got.stdout.replace("'", '"'))
    told = {name: retained(bench, name) for name in weights}
    assert {name: round(told[name] / weights[name], 2) for name in weights} == dict.fromkeys(weights, 1.0)
