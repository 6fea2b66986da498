"""What a recording of followed allocations costs: a look at millions of live blocks, the file,
reading it.

    python bench/allocations.py [--rounds 3] [--blocks 5000000] [--made 100000000] [--json FILE]

Each case is a program of its own under `heaplens run --exact`. `live`: it makes so many blocks, of
one kind each, and takes a snapshot of itself: the time from the call to the file, the pause of the
program in it, and beside it the same without following (--no-track). `made`: it makes and drops so
many blocks, at lines of its own and in the standard library's, in threads too: the file it leaves,
and the time `heaplens show --view allocs` takes to print the top of it. Medians over rounds;
HEAPLENS_EXE is the executable (default: the one beside this Python).
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

EXE = os.environ.get("HEAPLENS_EXE") or str(Path(sys.executable).parent / "heaplens")

# How many of each are so many blocks: an object, its table or items, what it holds.
LIVE = """
import gc, json, os, sys, time
import heaplens

class Record:
    def __init__(self, i):
        self.name = str(i)
        self.row = [i, None]

kind, blocks, path = sys.argv[1], int(sys.argv[2]), sys.argv[3]
gc.disable()
kept = {
    "str": lambda: [str(i) for i in range(blocks)],
    "float": lambda: list(map(float, range(blocks))),
    "list": lambda: [[None] for i in range(blocks // 2)],
    "dict": lambda: [{"number": str(i)} for i in range(blocks // 3)],
    "Record": lambda: [Record(i) for i in range(blocks // 6)],
}[kind]()
began = time.perf_counter()
summary = heaplens.snapshot(path).summary
print(json.dumps({"seconds": time.perf_counter() - began, "pause": summary.pause_seconds,
                  "walk": summary.walk_seconds, "objects": summary.nodes + summary.folded}))
sys.stdout.flush()
os._exit(0)  # the end is no part of it
"""

MADE = """
import json, sys, threading

def lists(n):
    for i in range(n):
        [i]

def texts(n):
    for i in range(n):
        str(i) + "x"

def library(n):
    text = json.dumps([{"number": i, "name": "name %d" % i} for i in range(50)])
    for _ in range(n):
        json.loads(text)

def pairs(n):
    kept = []
    for i in range(n):
        kept.append((i, str(i)))
        if len(kept) == 1000:
            kept.clear()

def work(n):
    lists(n // 12)
    texts(n // 12)
    pairs(n // 20)
    library(n // 1500)

n = int(sys.argv[1])
threads = [threading.Thread(target=work, args=(n // 5,)) for _ in range(2)]
[t.start() for t in threads]
work(n - 2 * (n // 5))
[t.join() for t in threads]
"""


def run(program: str, folder: Path, options: list[str], *arguments: str) -> str:
    script = folder / "program.py"
    script.write_text(program)
    words = [EXE, "run", "--json", "-f", "-o", str(folder / "run.hlens"), *options]
    done = subprocess.run(
        [*words, "--python", sys.executable, str(script), *arguments],
        capture_output=True,
        text=True,
    )
    if done.returncode:
        sys.exit(f"{' '.join(words)}: status {done.returncode}\n{done.stderr}")
    return done.stdout.splitlines()[0] if done.stdout else ""


def table(folder: Path, path: str, *options: str) -> tuple[float, dict[str, Any]]:
    began = time.perf_counter()
    done = subprocess.run(
        [EXE, "show", path, "--view", "allocs", "--json", *options],
        stdout=subprocess.PIPE,
        check=True,
    )
    seconds = time.perf_counter() - began
    answer: dict[str, Any] = json.loads(done.stdout)
    return seconds, answer


def blocks_in(answer: dict[str, Any], what: str) -> int:
    return sum(row[f"{what}_blocks"] for row in answer["rows"])


def live(kind: str, blocks: int, folder: Path, rounds: int) -> dict[str, Any]:
    look = folder / "look.hlens"
    quiet = ["--interval", "3600000"]
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        for option in ("--exact", "--no-track"):
            look.unlink(missing_ok=True)
            said = json.loads(run(LIVE, folder, [*quiet, option], kind, str(blocks), str(look)))
            for key, value in said.items():
                found.setdefault(f"{option} {key}", []).append(value)
            if option == "--exact":
                _, answer = table(folder, str(look), "--top", "100000")
                found.setdefault("blocks", []).append(blocks_in(answer, "live"))
    return {key: statistics.median(values) for key, values in found.items()}


def made(blocks: int, folder: Path, rounds: int) -> dict[str, Any]:
    found: dict[str, list[float]] = {}
    for _ in range(rounds):
        began = time.perf_counter()
        run(MADE, folder, ["--exact"], str(blocks))
        found.setdefault("run", []).append(time.perf_counter() - began)
        path = str(folder / "run.hlens")
        found.setdefault("file", []).append(os.path.getsize(path))
        _, answer = table(folder, path, "--top", "100000", "--total")
        found.setdefault("blocks", []).append(blocks_in(answer, "total"))
        for by in ("line", "traceback", "thread", "type"):
            seconds, _ = table(folder, path, "--group-by", by)
            found.setdefault(f"show by {by}", []).append(seconds)
    return {key: statistics.median(values) for key, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--blocks", type=int, default=5_000_000)
    parser.add_argument("--made", type=int, default=100_000_000)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    answer: dict[str, Any] = {"live": {}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        print("| kept | live blocks | snapshot | of it pause | not followed |")
        print("|---|---|---|---|---|")
        for kind in ("str", "float", "list", "dict", "Record"):
            row = live(kind, options.blocks, folder, options.rounds)
            answer["live"][kind] = row
            print(
                f"| {kind} | {row['blocks']:,.0f} | {row['--exact seconds']:.2f} s "
                f"| {row['--exact pause']:.3f} s | {row['--no-track seconds']:.2f} s |",
                flush=True,
            )
        row = answer["made"] = made(options.made, folder, options.rounds)
    print(f"\n{row['blocks']:,.0f} blocks made in {row['run']:.1f} s: {row['file'] / 1e6:.2f} MB")
    for by in ("line", "traceback", "thread", "type"):
        print(f"shown by {by}: {row[f'show by {by}']:.2f} s")
    if options.json:
        options.json.write_text(json.dumps(answer, indent=2) + "\n")


if __name__ == "__main__":
    main()
