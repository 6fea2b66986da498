"""A snapshot as Python objects, by address; dump.c prints what is read here."""

from __future__ import annotations

import os
import sys
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
PYTHON = os.environ.get("HEAPLENS_PYTHON") or sys.executable  # it must have heaplens


class Node(NamedTuple):
    type: str
    size: int
    refcnt: int
    len: int
    flags: int
    cap: int
    ext: int
    bounded: bool


class Edge(NamedTuple):
    target: int
    kind: int
    value: str


INTERNAL, NAMED, ATTR, SLOT, KEY, VALUE, DICTKEY, INDEX, ELEMENT, CELL, LOCAL, STACK, WEAK, TYPE = (
    range(14)
)
BASE, UNOWNED = 14, 15
MODULE_ROOT, TYPE_ROOT, FRAME_ROOT, THREAD_ROOT, INTERP_ROOT, GARBAGE_ROOT = range(1, 7)
TRACKED, GEN0, GEN1, FROZEN, IMMORTAL, OPAQUE, STATIC = 1, 2, 4, 8, 16, 32, 64


class Heap:
    """One snapshot, by address."""

    def __init__(self, text: str) -> None:
        self.nodes: dict[int, Node] = {}
        self.edges: dict[int, list[Edge]] = defaultdict(list)
        self.folds: dict[int, dict[str, tuple[int, int]]] = defaultdict(dict)
        self.roots: list[tuple[int, int, str, int, int, int]] = []
        self.codes: dict[int, list[str]] = {}
        self.keys: dict[int, tuple[int, int]] = {}
        self.types: dict[str, tuple[int, int, int]] = {}
        self.info: dict[str, str] = {}
        for line in text.splitlines():
            what, *word = line.split("\t")
            if what == "N":
                size, refcnt, length, flags, cap, ext, bounded = map(int, word[2:])
                self.nodes[int(word[0], 16)] = Node(
                    word[1], size, refcnt, length, flags, cap, ext, bool(bounded)
                )
            elif what == "E":
                edge = Edge(int(word[1], 16), int(word[2]), word[3])
                self.edges[int(word[0], 16)].append(edge)
            elif what == "F":
                self.folds[int(word[0], 16)][word[1]] = int(word[2]), int(word[3])
            elif what == "R":
                kind, at, name, thread, where, progress = word
                self.roots.append(
                    (int(kind), int(at, 16), name, int(thread), int(where), int(progress))
                )
            elif what == "C":
                self.codes[int(word[0], 16)] = word[1:]
            elif what == "K":
                self.keys[int(word[0], 16)] = int(word[1]), int(word[2])
            elif what == "T":
                self.types[word[0]] = int(word[1]), int(word[2], 16), int(word[3])
            elif what == "I":
                self.info[word[0]] = word[1]

    def labels(self, address: int) -> dict[str, tuple[int, int]]:
        """Name of a reference -> its kind and target."""
        return {edge.value: (edge.kind, edge.target) for edge in self.edges[address]}

    def in_edges(self) -> dict[int, int]:
        """How many owned references lead to each node."""
        count: dict[int, int] = defaultdict(int)
        for edges in self.edges.values():
            for edge in edges:
                if edge.kind not in (WEAK, UNOWNED):
                    count[edge.target] += 1
        return count


class Run(NamedTuple):
    heap: Heap
    said: dict[str, object]  # the names the program left


def find_dump() -> str | None:
    if os.environ.get("HEAPLENS_INSIDE_DUMP"):
        return os.environ["HEAPLENS_INSIDE_DUMP"]
    found = sorted(ROOT.glob("build/*/src/inside/inside_dump"), key=os.path.getmtime)
    return str(found[-1]) if found else None
