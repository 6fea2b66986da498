"""What a snapshot costs, from clone to verdict, held against the floor (floor.c) and against
objgraph, guppy3 and pympler. Writes bench/RESULTS.md.

    tools/bench.sh [--sizes 1000000,3000000,10000000] [--rounds 5] [--no-peers] [--dry]

Every case is a process of its own; the cases of a round follow each other, so that a slow minute
of the machine hits all of them. Numbers are medians over rounds; a table's last column says what
was asked for.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

import heaplens
from heaplens import _native

ROOT = Path(__file__).parents[1]
WORK = ROOT / "build" / "bench"
PEERS_UP_TO = 3_000_000  # objects; they take minutes for more


def build_floor() -> None:
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    library = WORK / f"floor{suffix}"
    include = sysconfig.get_paths()["include"]
    command = ["cc", "-O2", "-DNDEBUG", "-shared", "-fPIC", f"-I{include}"]
    subprocess.run([*command, str(ROOT / "bench" / "floor.c"), "-o", str(library)], check=True)


def probe(case: str, n: int, path: str = "") -> dict[str, Any]:
    words = [sys.executable, str(ROOT / "bench" / "probe.py"), case, str(n), path]
    environment = {**os.environ, "PYTHONPATH": str(WORK)}
    done = subprocess.run(words, env=environment, stdout=subprocess.PIPE, check=True)
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def native(*words: str) -> dict[str, float]:
    """CPU and wall seconds and peak memory of one run of the native executable."""
    began = time.perf_counter()
    pid = os.posix_spawn(
        words[0],
        words,
        os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )
    _, status, usage = os.wait4(pid, 0)
    if status not in (0, 256):
        raise SystemExit(f"{' '.join(words)} ended with {status}")
    return {
        "wall_s": time.perf_counter() - began,
        "cpu_s": usage.ru_utime + usage.ru_stime,
        "peak_bytes": usage.ru_maxrss * 1024,
    }


def opened(path: str) -> dict[str, float]:
    done = subprocess.run([str(WORK / "open_bench"), path], stdout=subprocess.PIPE, check=True)
    answer: dict[str, float] = json.loads(done.stdout)
    return answer


def median(rows: list[dict[str, Any]], *keys: str) -> float:
    values = []
    for row in rows:
        value: Any = row
        for key in keys:
            value = value[key]
        values.append(float(value))
    return statistics.median(values)


class Table:
    def __init__(self, *headings: str) -> None:
        self.rows = [list(headings), ["---"] * len(headings)]

    def add(self, *cells: str) -> None:
        self.rows.append(list(cells))

    def __str__(self) -> str:
        return "\n".join("| " + " | ".join(row) + " |" for row in self.rows) + "\n"


def seconds(s: float) -> str:
    return f"{s * 1000:.1f} ms" if s < 0.1 else f"{s:.2f} s"


def bytes_text(n: float) -> str:
    return f"{n / 1e6:.1f} MB"


def bound(value: float, limit: float, unit: str = "") -> str:
    return f"{'at most' if value <= limit else '**over**'} {limit:g}{unit}"


def measure(n: int, rounds: int, peers: list[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {}
    path, growing = str(WORK / "one.hlens"), str(WORK / "growing.hlens")
    exe = _native.executable()
    for turn in range(rounds):
        print(f"{n:,} objects, round {turn + 1} of {rounds}", file=sys.stderr)
        taken = probe("heaplens", n, path)["rows"]
        found.setdefault("heaplens", []).extend(taken)
        found.setdefault("open", []).append(opened(path))
        found.setdefault("show", []).append(native(exe, "show", path, "--view", "types", "--json"))
        found.setdefault("floor", []).append(probe("floor", n))
        Path(growing).unlink(missing_ok=True)
        found.setdefault("growth", []).append(probe("growth", n, growing))
        found.setdefault("diagnose", []).append(native(exe, "diagnose", growing, "--json"))
        for peer in peers:
            found.setdefault(peer, []).append(probe(peer, n))
    return found


def criteria(found: dict[str, list[dict[str, Any]]]) -> str:
    mine, floor, opening = found["heaplens"], found["floor"], found["open"]
    objects = median(mine, "objects")
    graph = median(floor, "graph", "cpu_s")
    total = graph + median(floor, "dominators", "cpu_s")
    cpu = median(mine, "cpu_s")
    load, reach, dominate = (median(opening, k) for k in ("load_s", "graph_s", "dominators_s"))
    pause, clone = median(mine, "pause_s"), median(mine, "clone_s")
    excess = statistics.median(row["pause_s"] - 1.3 * row["clone_s"] for row in mine)
    child, size = median(mine, "child_bytes"), median(mine, "file_bytes")
    diagnosed = median(found["diagnose"], "wall_s")
    four = found["growth"][0]["objects"][3]
    peak = median(found["diagnose"], "peak_bytes")
    whole = cpu + load + reach + dominate

    table = Table("what", "heaplens", "against", "ratio", "asked")
    table.add(
        "capture with labels, CPU",
        seconds(cpu),
        f"floor's bare graph {seconds(graph)}",
        f"{cpu / graph:.2f}",
        bound(cpu / graph, 1),
    )
    table.add(
        "capture, opening, dominators, retained sizes, CPU",
        f"{seconds(whole)} = {seconds(cpu)} + {seconds(load)} + {seconds(reach)}"
        f" + {seconds(dominate)}",
        f"floor's graph and dominators {seconds(total)}",
        f"{whole / total:.2f}",
        bound(whole / total, 1.5),
    )
    table.add(
        "the child's own memory",
        bytes_text(child),
        f"{objects:,.0f} objects",
        f"{child / objects:.1f} B/object",
        bound(child / objects, 30, " B"),
    )
    table.add(
        "the file",
        bytes_text(size),
        f"{objects:,.0f} objects",
        f"{size / objects:.1f} B/object",
        bound(size / objects, 8, " B"),
    )
    table.add(
        "pause of the program",
        seconds(pause),
        f"bare clone {seconds(clone)}",
        f"{pause / clone:.2f}",
        "at most 1.3 and 2 ms" if excess <= 0.002 else "**over** 1.3 and 2 ms",
    )
    table.add(
        "`diagnose`, four snapshots, wall",
        seconds(diagnosed),
        f"{four:,} objects each",
        f"{diagnosed * 1e6 / four:.2f} s/million",
        bound(diagnosed * 1e6 / four, 2, " s/million"),
    )
    table.add(
        "`diagnose`, peak memory",
        bytes_text(peak),
        f"{four:,} objects each",
        f"{peak / four:.0f} B/object",
        bound(peak / four, 60, " B"),
    )
    return str(table)


def beside_peers(found: dict[str, list[dict[str, Any]]], peers: list[str]) -> str:
    table = Table("what", "wall", "memory added in the program", "times heaplens")
    wall = median(found["heaplens"], "wall_s") + median(found["show"], "wall_s")
    table.add(
        "heaplens: snapshot, then `show --view types`",
        seconds(wall),
        f"{bytes_text(median(found['heaplens'], 'child_bytes'))} (in the child)",
        "1",
    )
    names = {
        ("objgraph", "types"): "objgraph: `typestats()`, counts without sizes",
        ("guppy", "types"): "guppy3: `hpy().heap()`",
        ("pympler", "types"): "pympler: `summarize(get_objects())`",
    }
    full = wall - median(found["show"], "wall_s")
    full += sum(median(found["open"], k) for k in ("load_s", "graph_s", "dominators_s"))
    more = {
        ("objgraph", "chain"): "objgraph: `find_backref_chain` of one object",
        ("guppy", "retained"): "guppy3: `domisize` of one object",
    }
    for (peer, key), name in names.items():
        if peer in peers:
            t = median(found[peer], key, "wall_s")
            peak = median(found[peer], key, "peak_bytes")
            table.add(name, seconds(t), bytes_text(peak), f"{t / wall:.1f}")
    table.add(
        "heaplens: snapshot, chains and retained sizes of all objects", seconds(full), "", "1"
    )
    for (peer, key), name in more.items():
        if peer in peers:
            t = median(found[peer], key, "wall_s")
            peak = median(found[peer], key, "peak_bytes")
            table.add(name, seconds(t), bytes_text(peak), f"{t / full:.1f}")
    return str(table)


def machine() -> str:
    model = "an unnamed processor"
    with open("/proc/cpuinfo") as info:
        for line in info:
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    return f"{model}, {os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--sizes", default="1000000,3000000,10000000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--dry", action="store_true", help="print, do not write RESULTS.md")
    options = parser.parse_args()
    WORK.mkdir(parents=True, exist_ok=True)
    build_floor()
    peers = [] if options.no_peers else ["objgraph", "guppy", "pympler"]
    text = [
        "# What a snapshot costs\n",
        f"{datetime.date.today()}, heaplens {heaplens.__version__}, CPython "
        f"{platform.python_version()}, {machine()}. Made by `make bench`: medians of interleaved "
        "rounds on the heap of `bench/workload.py`; the floor is `bench/floor.c`, plain C without "
        "labels, roots or file.\n",
    ]
    for n in (int(size) for size in options.sizes.split(",")):
        beside = peers if n <= PEERS_UP_TO else []
        rounds = options.rounds if n <= PEERS_UP_TO else min(options.rounds, 3)
        found = measure(n, rounds, beside)
        text.append(f"## {n:,} objects, {rounds} rounds\n")
        text.append(criteria(found))
        if beside:
            text.append(beside_peers(found, beside))
    document = "\n".join(text)
    print(document)
    if not options.dry:
        path = ROOT / "bench" / "RESULTS.md"
        # what follows was measured by others
        others = path.read_text(encoding="utf-8").partition("\n# ")[2] if path.exists() else ""
        document += "\n# " + others if others else ""
        path.write_text(document, encoding="utf-8")


if __name__ == "__main__":
    main()
