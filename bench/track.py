"""What tracking allocations costs: fourteen programs, plain and tracked, side by side.

    python bench/track.py [--repeat N] [--only NAME,...] [--arms all|ARM,...] [--json FILE]

Arms: plain; exact, and exact with the free lists left as they are (uncorrected); sampled, one in
512 KiB; tracemalloc of 1 and of 25 frames, and the same under our heaplens.compat.tracemalloc
(compat, compat25); memray as it comes and with Python's allocators (they
write a file, in the folder for temporary ones), where it is installed: the group `bench` of
pyproject.toml has it. `--arms all` takes them all. All arms run in one process, in turn, with the
order turned each round, so that a busy machine disturbs all of them alike. A ratio is the median of
ratios of one round; beside it the ratio of the shortest times. CPU time, not the clock. Below the
geometric means stands where 19 of 20 of them lie when rounds are drawn anew (bootstrap).

Also: nanoseconds per malloc and free, start-up, memory per live block, and the time to sum up five
million of them.
"""

from __future__ import annotations

import argparse
import gc
import itertools
import json
import math
import os
import pickle
import random
import re
import sqlite3
import statistics
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

from heaplens._core import core
from heaplens.compat import tracemalloc as compat

try:
    import memray
except ImportError:
    memray = None

HORIZON = 32
MEAN = 512 * 1024.0
INSIDE = core()

# ---- programs -----------------------------------------------------------------------------------


def churn() -> None:
    """Small lists and dicts, made and dropped."""
    for _ in range(4):
        pairs = [[i, i + 1] for i in range(20000)]
        table = {i: {"key": i, "text": str(i)} for i in range(12000)}
        del pairs, table


def strings() -> None:
    for _ in range(4):
        words = []
        for i in range(20000):
            words.append((f"name{i}=" + str(i) + "." * (i & 31)).upper())
        ",".join(words).split(",")


USERS = {
    "users": [
        {
            "id": i,
            "name": f"user{i}",
            "tags": ["a", "b", str(i)],
            "score": i * 1.5,
            "more": {"x": i},
        }
        for i in range(1500)
    ]
}


def json_text() -> None:
    for _ in range(9):
        json.loads(json.dumps(USERS))


def fib(n: int = 25) -> int:
    """Calls, and next to no allocations."""
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def deep() -> None:
    """Allocates at each of 400 levels."""

    def down(n: int, kept: Any) -> Any:
        return [kept] if n == 0 else down(n - 1, (n, kept, [n]))

    for _ in range(250):
        down(400, None)


def deep_leaf() -> None:
    """A helper that allocates, called in a loop below 200 frames."""

    def helper(i: int) -> Any:
        return [i, {}]

    def loop() -> None:
        for i in range(100000):
            helper(i)

    def down(n: int) -> None:
        if n:
            down(n - 1)
        else:
            loop()

    down(200)


class Slotted:
    __slots__ = ("a", "b", "c")

    def __init__(self, a: int, b: int) -> None:
        self.a, self.b, self.c = a, b, (a, b)


class Plain:
    def __init__(self, a: int) -> None:
        self.a, self.b, self.c = a, a + 1000, None


def keep() -> None:
    """Many instances that live on."""
    kept = [Slotted(i, i + 1) for i in range(150000)], [Plain(i) for i in range(100000)]
    del kept


class Task:
    def __init__(self, index: int) -> None:
        self.index, self.inbox, self.state = index, [], 0

    def run(self, tasks: list[Task]) -> None:
        if not self.inbox:
            return
        message = self.inbox.pop(0)
        value = message["value"]
        self.state += value
        if value % 3 == 0:
            to, value = (self.index + 1) % len(tasks), value + 1
        else:
            to, value = (self.index * 7 + value) % len(tasks), value - 1 if value > 1 else 9
        tasks[to].inbox.append({"value": value, "sender": self.index})


def richards() -> None:
    """Objects that send each other messages."""
    tasks = [Task(i) for i in range(40)]
    for task in tasks:
        task.inbox.append({"value": task.index % 7 + 1, "sender": -1})
    for _ in range(900):
        for task in tasks:
            task.run(tasks)


def nqueens(n: int = 7) -> int:
    def place(columns: frozenset[int], up: frozenset[int], down: frozenset[int], row: int) -> int:
        if row == n:
            return 1
        found = 0
        for c in range(n):
            if c not in columns and row + c not in up and row - c not in down:
                found += place(columns | {c}, up | {row + c}, down | {row - c}, row + 1)
        return found

    return place(frozenset(), frozenset(), frozenset(), 0)


def pickles() -> None:
    for _ in range(9):
        pickle.loads(pickle.dumps(USERS))


TEXT = " ".join(
    f"ann{i}@site{i}.org 2031-{i % 12 + 1:02}-{i % 28 + 1:02} n={i};" for i in range(4000)
)
MAIL = r"(?P<who>\w+)@(?P<host>[\w.]+)\s(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)"


def regex() -> None:
    for _ in range(2):
        [m.groupdict() for m in re.finditer(MAIL, TEXT)]
        re.sub(r"(\w+)=(\d+)", lambda m: m.group(2) + m.group(1), TEXT)


def sqlite() -> None:
    base = sqlite3.connect(":memory:")
    base.execute("create table t(id integer primary key, name text, v real)")
    rows = ((f"n{i}", i * 0.5) for i in range(25000))
    base.executemany("insert into t(name, v) values(?, ?)", rows)
    for _ in base.execute("select name, v, id from t where v > 100 order by name"):
        pass
    base.close()


XML = "<r>" + "".join(f'<i n="{i}"><a>x{i}</a><b c="1" d="2">{i}</b></i>' for i in range(12000))
XML += "</r>"


def xml() -> None:
    tree = ElementTree.fromstring(XML)
    sum(len(e.attrib) for e in tree.iter())
    ElementTree.tostring(tree)


def floats() -> None:
    x = y = z = 0.1
    for _ in range(400000):
        x = x * 0.99 + y * 0.01
        y = y * 0.98 - z * 0.02
        z = z + x * 1e-3


PROGRAMS: dict[str, Callable[[], Any]] = {
    "churn": churn,
    "strings": strings,
    "json": json_text,
    "fib": fib,
    "deep": deep,
    "deep_leaf": deep_leaf,
    "keep": keep,
    "richards": richards,
    "nqueens": nqueens,
    "pickle": pickles,
    "regex": regex,
    "sqlite": sqlite,
    "xml": xml,
    "floats": floats,
}

# ---- arms ---------------------------------------------------------------------------------------


def nothing() -> None:
    pass


class Memray:
    """One recording after another, all in one file."""

    def __init__(self, python: bool) -> None:
        self.python = python
        self.tracker: Any = None

    def start(self) -> None:
        path = os.path.join(tempfile.gettempdir(), f"track-{os.getpid()}.memray")
        self.tracker = memray.Tracker(
            destination=memray.FileDestination(path, overwrite=True),
            trace_python_allocators=self.python,
        )
        self.tracker.__enter__()

    def stop(self) -> None:
        self.tracker.__exit__(None, None, None)


ARMS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "plain": (nothing, nothing),
    "exact": (lambda: INSIDE.track_start(horizon=HORIZON), INSIDE.track_stop),
    "uncorrected": (
        lambda: INSIDE.track_start(horizon=HORIZON, lists=False),
        INSIDE.track_stop,
    ),
    "sampled": (
        lambda: INSIDE.track_start(exact=False, mean=MEAN, lists=False),
        INSIDE.track_stop,
    ),
    "compat": (lambda: compat.start(1), compat.stop),
    "compat25": (lambda: compat.start(25), compat.stop),
    "tracemalloc": (lambda: tracemalloc.start(1), tracemalloc.stop),
    "tracemalloc25": (lambda: tracemalloc.start(25), tracemalloc.stop),
}
if memray:
    for name, python in (("memray", False), ("memray-python", True)):
        recorder = Memray(python)
        ARMS[name] = (recorder.start, recorder.stop)


def once(arm: str, program: Callable[[], Any]) -> float:
    start, stop = ARMS[arm]
    gc.collect()
    start()
    begin = time.process_time()
    program()
    seconds = time.process_time() - begin
    stop()
    return seconds


def geomean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values))


def interval(paired: list[list[float]], draws: int = 2000) -> list[float]:
    """Of the geometric mean of medians, one list of ratios a program: 2.5 and 97.5 percent."""
    dice = random.Random(1)
    means = sorted(
        geomean([statistics.median(dice.choices(ratios_, k=len(ratios_))) for ratios_ in paired])
        for _ in range(draws)
    )
    return [means[draws // 40], means[draws - 1 - draws // 40]]


def ratios(names: list[str], arms: list[str], repeat: int) -> dict[str, dict[str, list[float]]]:
    """{program: {arm: [median of paired ratios, ratio of minima]}}"""
    found: dict[str, dict[str, list[float]]] = {}
    paired: dict[str, list[list[float]]] = {arm: [] for arm in arms}
    print(f"{sys.version.split()[0]:10}", *(f"{arm:>13}" for arm in arms), sep="  ")
    for name in names:
        program, times = PROGRAMS[name], {arm: [] for arm in arms}  # type: ignore[var-annotated]
        program()
        for round_ in range(repeat):
            turn = round_ % len(arms)
            for arm in arms[turn:] + arms[:turn]:
                times[arm].append(once(arm, program))
        plain = times["plain"]
        for arm in arms:
            paired[arm].append([t / p for t, p in zip(times[arm], plain)])
        found[name] = {
            arm: [
                statistics.median(t / p for t, p in zip(times[arm], plain)),
                min(times[arm]) / min(plain),
            ]
            for arm in arms
        }
        row = (f"{pair[0]:6.3f} {pair[1]:6.3f}" for pair in found[name].values())
        print(f"{name:10}", *row, sep="  ", flush=True)
    found["geomean"] = {
        arm: [geomean([found[n][arm][i] for n in names]) for i in (0, 1)] for arm in arms
    }
    row = (f"{pair[0]:6.3f} {pair[1]:6.3f}" for pair in found["geomean"].values())
    print(f"{'geomean':10}", *row, sep="  ", flush=True)
    found["interval"] = {arm: interval(paired[arm]) for arm in arms}
    row = (f"{pair[0]:6.3f} {pair[1]:6.3f}" for pair in found["interval"].values())
    print(f"{'interval':10}", *row, sep="  ", flush=True)
    return found


# ---- single figures -----------------------------------------------------------------------------


def pair_ns(arms: list[str], repeat: int) -> dict[str, float]:
    """Nanoseconds that an arm adds to one malloc and one free."""
    text, times = "abcdefghijklmnop", 200000

    def pairs() -> None:
        for _ in itertools.repeat(None, times):  # a range would make an int each time
            text + text  # noqa: B018

    best = {arm: min(once(arm, pairs) for _ in range(repeat)) for arm in arms}
    return {arm: (best[arm] - best["plain"]) / times * 1e9 for arm in arms}


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * 4096


def live_blocks(blocks: int) -> tuple[float, float]:
    """Bytes of ours per live block; seconds to sum them up."""
    INSIDE.track_start(horizon=HORIZON)
    before = resident()
    kept = [Slotted(i, i + 1) for i in range(blocks // 3)]  # instance, tuple, int
    INSIDE.track_rows()
    begin = time.perf_counter()
    rows = INSIDE.track_rows()
    seconds = time.perf_counter() - begin
    with_it = resident() - before
    live = sum(row[4] for row in rows["live"])
    INSIDE.track_stop()
    del kept, rows
    gc.collect()
    before = resident()
    kept = [Slotted(i, i + 1) for i in range(blocks // 3)]
    without = resident() - before
    del kept
    return (with_it - without) / live, seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=11)
    parser.add_argument("--only", default=",".join(PROGRAMS))
    parser.add_argument("--arms", default="plain,exact,uncorrected,sampled")
    parser.add_argument("--blocks", type=int, default=5_000_000, help="0: no large heap")
    parser.add_argument("--json")
    options = parser.parse_args()
    arms = list(ARMS) if options.arms == "all" else options.arms.split(",")
    found: dict[str, Any] = {"python": sys.version.split()[0]}
    found["ratios"] = ratios(options.only.split(","), arms, options.repeat)
    found["pair_ns"] = pair_ns(arms, options.repeat)
    print("ns a pair ", {arm: round(ns, 1) for arm, ns in found["pair_ns"].items()})
    begin = time.perf_counter()
    INSIDE.track_start(horizon=HORIZON)
    found["start_ms"] = (time.perf_counter() - begin) * 1000
    INSIDE.track_stop()
    print("start ms  ", round(found["start_ms"], 2))
    if options.blocks:
        found["block_bytes"], found["sum_seconds"] = live_blocks(options.blocks)
        print("per block ", round(found["block_bytes"], 1), "bytes")
        print("summing up", round(found["sum_seconds"], 3), "s for", options.blocks, "blocks")
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump(found, file, indent=1)


if __name__ == "__main__":
    main()
