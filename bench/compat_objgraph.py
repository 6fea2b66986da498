"""heaplens.compat.objgraph beside objgraph: the same questions of one heap, by turns.

    python bench/compat_objgraph.py [--objects N] [--rounds N] [--original-rounds N] [--limit S]

The original is what `import objgraph` finds; else the release that tests/peers/objgraph/run.py
fetched. Wall time, the median of the rounds. The tree, in which each child knows its parent, keeps
the original busy for long: it gets S seconds, in a process of its own.
"""

from __future__ import annotations

import argparse
import gc
import glob
import io
import os
import resource
import statistics
import subprocess
import sys
import time

import heaplens.compat.objgraph as ours

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def original():
    try:
        import objgraph
    except ImportError:
        fetched = sorted(
            glob.glob(os.path.join(ROOT, "build/peers/objgraph/objgraph-*/objgraph.py"))
        )
        if not fetched:
            sys.exit("no objgraph: pip install objgraph, or run tests/peers/objgraph/run.py once")
        sys.path.append(os.path.dirname(fetched[-1]))
        import objgraph
    return objgraph


class Record:
    def __init__(self, n, tags):
        self.n = n
        self.tags = tags


class Needle:
    pass


class Node:
    def __init__(self, parent):
        self.parent = parent
        self.children = []


HELD = {}


def build_records(n):
    """n objects that the collector knows, and one at the end of a chain."""
    rows = HELD["rows"] = []
    for i in range(n // 3):
        rows.append(Record(i, [i, {"key": [i]}] if i % 2 else {"key": [i]}))
    needle = Needle()
    HELD["chain"] = [{"a": [{"b": [{"c": [needle]}]}]}]
    return needle


def build_tree(n):
    """n nodes, ten children each; the last leaf. Each node has a list."""
    root = HELD["tree"] = Node(None)
    level, made = [root], 1
    while made < n // 2:
        below = []
        for parent in level:
            for _ in range(10):
                if made >= n // 2:
                    break
                child = Node(parent)
                parent.children.append(child)
                below.append(child)
                made += 1
        level = below
    return level[-1]


def is_needle(kind):
    return lambda value: type(value) is kind


QUESTIONS = {
    "find_backref_chain, is_proper_module": lambda og, x: og.find_backref_chain(
        x, og.is_proper_module
    ),
    "find_backref_chain, another predicate": lambda og, x: og.find_backref_chain(
        x, lambda value: value is HELD
    ),
    "show_backrefs, depth 5": lambda og, x: og.show_backrefs(
        [x], max_depth=5, output=io.StringIO()
    ),
    "show_backrefs, depth 3, of 10 records": lambda og, x: og.show_backrefs(
        HELD["rows"][:10], output=io.StringIO()
    ),
    "get_new_ids": lambda og, x: og.get_new_ids(limit=0),
    "growth": lambda og, x: og.growth(),
    "typestats": lambda og, x: og.typestats(),
    "by_type": lambda og, x: og.by_type("Needle"),
    "at": lambda og, x: og.at(id(x)),
    "get_leaking_objects": lambda og, x: og.get_leaking_objects(),
    "(gc.collect alone)": lambda og, x: gc.collect(),
}


def timed(question, tool, thing):
    begun = time.perf_counter()
    question(tool, thing)
    return time.perf_counter() - begun


def row(name, mine, theirs):
    a, b = statistics.median(mine), statistics.median(theirs)
    print(f"{name:40} {a * 1000:9.1f} ms {b * 1000:11.1f} ms {b / a:8.1f}x", flush=True)


def records(args):
    theirs = original()
    thing = build_records(args.objects)
    print(f"{len(gc.get_objects())} objects, CPython {sys.version.split()[0]}, objgraph", end=" ")
    print(f"{theirs.__version__}; {args.rounds} rounds, {args.original_rounds} of the original")
    print(f"{'':40} {'ours':>12} {'the original':>14}")
    for tool in (ours, theirs):
        tool.get_new_ids(limit=0)
    for name, question in QUESTIONS.items():
        mine, other = [], []
        for i in range(args.rounds):
            mine.append(timed(question, ours, thing))
            if i < args.original_rounds:
                other.append(timed(question, theirs, thing))
        row(name, mine, other)


def tree(args):
    thing = build_tree(args.objects)
    tool = original() if args.tree == "original" else ours
    chain_of = QUESTIONS["find_backref_chain, is_proper_module"]
    rounds = 1 if args.tree == "original" else args.rounds
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    times = [timed(chain_of, tool, thing) for _ in range(rounds)]
    more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024
    print(f"{statistics.median(times) * 1000:.1f} ms, {more} MiB more at its peak", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--original-rounds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=150)
    parser.add_argument("--tree", choices=["ours", "original"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.tree:
        return tree(args)
    records(args)
    words = [sys.executable, __file__, f"--objects={args.objects}", f"--rounds={args.rounds}"]
    for whose in ("ours", "original"):
        print(f"leaf of a tree with parent pointers, {whose}:", end=" ", flush=True)
        try:
            subprocess.run([*words, f"--tree={whose}"], timeout=args.limit, check=True)
        except subprocess.TimeoutExpired:
            print(f"not done after {args.limit:g} s")


if __name__ == "__main__":
    main()
