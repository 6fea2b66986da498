"""What `heaplens run` costs a program: wall time, total CPU and looks, plainly and under it, interleaved.

    python3 bench/overhead.py HEAPLENS [--rounds 5] [--python PATH]... [--only REGEX] [--with "OPTIONS"] > table.md

Total CPU is what wait4 says: of the program, its children, and the looks', which it reaps; the verdict is made by
another process and not in it. Asked: wall at most 5 % + 50 ms more, CPU at
most 25 % more, at least 4 looks in any run over a second.
"""

# ruff: noqa: E501  programs and rows of a table are one line each
from __future__ import annotations

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field

PROGRAMS = {
    "an empty program": "pass",
    "arithmetic in a loop": "n = 0\nfor i in range(25_000_000): n += i",
    "allocates and frees": "for _ in range(120):\n x = [{'a': [i]} for i in range(20_000)]",
    "sleeps": "import time\ntime.sleep(2)",
    "8 threads": "import threading\ndef w():\n for _ in range(60): [{'a': i} for i in range(10_000)]\n"
    "ts = [threading.Thread(target=w) for _ in range(8)]\n[t.start() for t in ts]; [t.join() for t in ts]",
    "asyncio, 100 tasks": "import asyncio\nasync def w():\n for _ in range(1500): await asyncio.sleep(0)\n"
    "async def main(): await asyncio.gather(*(w() for _ in range(100)))\nasyncio.run(main())",
    "80,000 small lists, and over": "L = []\nfor i in range(80_000): L.append([i, str(i)])",
    "imports, 100,000 lists": "import json, logging, asyncio\nL = []\nfor i in range(100_000): L.append([i, str(i)])",
    "1.3 GB in 4 million dicts": "x = [{'a': [i]} for i in range(4_000_000)]\nn = 0\nfor _ in range(3):\n for d in x: n += d['a'][0]",
    "3.9 GB in 1000 closures": "kept = []\ndef outer(n):\n big = list(range(n * 100_000, (n + 1) * 100_000))\n"
    " def inner(): return len(big)\n return inner\nfor n in range(1000): kept.append(outer(n))",
    "300 small children": "import os\nfor _ in range(300):\n p = os.fork()\n if not p: os._exit(sum(range(20_000)) & 1)\n os.waitpid(p, 0)",
}


@dataclass
class Series:
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)


def measure(words: list[str], series: Series) -> str:
    begun = time.monotonic()
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    assert process.stderr
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{words[:6]} ended with {process.returncode}: {said}")
    series.wall.append(time.monotonic() - begun)
    series.cpu.append(usage.ru_utime + usage.ru_stime)
    return said


def row(heaplens: str, python: str, name: str, rounds: int, options: list[str], folder: str) -> str:
    code = PROGRAMS[name]
    plain, watched = Series(), Series()
    looks: list[int] = []
    kept = os.path.join(folder, "overhead.hlens")
    for _ in range(rounds):
        measure([python, "-c", code], plain)
        said = measure(
            [heaplens, "run", "-f", "-o", kept, *options, "--python", python, "-c", code], watched
        )
        found = re.search(r"observed in (\d+)", said)
        looks.append(int(found[1]) if found else 0)
    wall, wall_more = (
        statistics.median(plain.wall),
        statistics.median(watched.wall) - statistics.median(plain.wall),
    )
    cpu, cpu_more = (
        statistics.median(plain.cpu),
        statistics.median(watched.cpu) - statistics.median(plain.cpu),
    )
    over = [
        what
        for what, bad in (
            ("wall", wall_more > wall * 0.05 + 0.05),
            ("CPU", cpu_more > cpu * 0.25 + 0.05),
            ("looks", wall > 1 and min(looks) < 4),
        )
        if bad
    ]
    return (
        f"| {name} | {wall:.2f} s | {1000 * wall_more:+.0f} ms ({100 * wall_more / wall:+.1f} %) | {cpu:.2f} s | "
        f"{1000 * cpu_more:+.0f} ms ({100 * cpu_more / cpu:+.1f} %) | {statistics.median(looks):.0f} | "
        f"{'**over**: ' + ', '.join(over) if over else 'yes'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("heaplens")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--python", action="append")
    parser.add_argument("--only", default="")
    parser.add_argument("--with", dest="options", default="", help="of run: '--sample 512K'")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for python in asked.python or [sys.executable]:
            version = subprocess.run(
                [python, "-c", "import platform; print(platform.python_version())"],
                capture_output=True,
                text=True,
                check=True,
            ).stdout.strip()
            print(
                f"\n### CPython {version}\n\n| program | wall | more | CPU | more | looks | as asked |"
            )
            print("| --- | --- | --- | --- | --- | --- | --- |")
            for name in PROGRAMS:
                if re.search(asked.only, name):
                    options = asked.options.split()
                    print(
                        row(asked.heaplens, python, name, asked.rounds, options, folder), flush=True
                    )


if __name__ == "__main__":
    main()
