#!/usr/bin/env python3
"""What telling memory by line costs: a loop of fifteen short lines, plainly and told line by line.

lines.py [--package FOLDER] [--runs N] [--native] [--original] [--python PATH]...

With --native they are told once more with the library preloaded that counts what C code asks malloc
for, as `heaplens lines` does. Each way is a process of its own, the ways take turns, and the median
of its CPU time per round of the loop is compared. With --original memory_profiler itself is asked,
too (it must be there for the interpreter; its loop is two hundred times shorter, for it reads /proc
at each line).
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
ITERATIONS = 100_000
LESS = 200  # for the original

WORK = """
import sys, time


def work(n):
    total = 0
    kept = []
    for i in range(n):
        a = i + 1
        b = a * 3
        c = b - i
        d = (a, b, c)
        e = [a, b]
        f = {"key": d}
        g = str(i)
        h = g + "-"
        j = len(h)
        k = f["key"][2] + e[1]
        m = (k ^ j) & 0xFFF
        if m % 500 == 0:
            kept.append(h)
        total += m
    return total, len(kept)


def timed(call, n):
    begun = time.process_time()
    call(n)
    return (time.process_time() - begun) / n


def main():
    n, way = int(sys.argv[1]), sys.argv[2]
    work(n // 10)
    if way == "plain":
        return timed(work, n)
    if way == "original":
        import memory_profiler
        return timed(memory_profiler.LineProfiler()(work), n)
    from heaplens._lines import Lines
    lines = Lines()
    if way == "counted":
        return timed(work, n)
    assert (way == "native") == getattr(lines, "native_counted", False)
    lines.choose(work.__code__)
    with lines:
        work(n // 10)
        return timed(work, n)


print(main())
"""


def once(python: str, way: str, folder: pathlib.Path) -> float:
    n = ITERATIONS // LESS if way == "original" else ITERATIONS
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    library = str(folder / "heaplens" / "libheaplens_native.so")
    more = {"LD_PRELOAD": library, "HEAPLENS_NATIVE": "1"} if way == "native" else {}
    done = subprocess.run(
        [python, str(folder / "work.py"), str(n), way],
        env={**os.environ, **more, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=True,
    )
    return float(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--native", action="store_true")
    parser.add_argument("--original", action="store_true")
    parser.add_argument("--package", type=pathlib.Path)
    options = parser.parse_args()
    package = options.package or next((ROOT / ".venv").glob("lib/python*/site-packages/heaplens"))
    ways = ["plain", "counted", "lines"]
    ways += ["native"] * options.native + ["original"] * options.original
    columns = {
        "counted": "allocations counted",
        "lines": "lines",
        "native": "and native",
        "original": "memory_profiler",
    }
    print("| CPython | plain, us a round |", " | ".join(columns[way] for way in ways[1:]), "|")
    print("|---" * (1 + len(ways)) + "|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        (folder / "work.py").write_text(WORK)
        (folder / "heaplens").symlink_to(package.resolve())
        for python in options.python or [sys.executable]:
            asked = [python, "-c", "import platform; print(platform.python_version())"]
            release = subprocess.check_output(asked, text=True).strip()
            seen: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(options.runs):
                for way in ways:
                    seen[way].append(once(python, way, folder))
            middle = {way: statistics.median(times) for way, times in seen.items()}
            cells = [f"{middle[way] / middle['plain']:.2f}x" for way in ways[1:]]
            row = [release, f"{middle['plain'] * 1e6:.3f}", *cells]
            print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main()
