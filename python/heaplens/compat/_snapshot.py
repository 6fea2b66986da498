"""Snapshots of traces: the standard library's, in less memory and time.

Most blocks have the trace of many others (one line, one size), so that each different trace is
kept once, with the number of its blocks, and is grouped and filtered once. Questions, order and
words are the standard library's.
"""

from __future__ import annotations

import pickle
import tracemalloc as _original
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, chain, repeat
from os import PathLike
from tracemalloc import Statistic, Traceback
from typing import Any, Union

from heaplens.compat._pickles import read

_Trace = tuple[int, int, tuple[tuple[str, int], ...], int]
_Path = Union[str, "PathLike[str]"]


class Blocks(Sequence[Any]):
    """The trace of each block, as a list of them would be: equal ones lie side by side."""

    def __init__(self, groups: list[tuple[_Trace, int]]) -> None:
        self.groups = groups
        self._ends = list(accumulate(blocks for _, blocks in groups))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[_Trace]:
        return chain.from_iterable(repeat(trace, blocks) for trace, blocks in self.groups)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        at = index + len(self) if index < 0 else index
        if not 0 <= at < len(self):
            raise IndexError("list index out of range")
        return self.groups[bisect_right(self._ends, at)][0]

    def __contains__(self, trace: object) -> bool:
        return any(trace == there for there, _ in self.groups)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Blocks) and self.groups == other.groups:
            return True
        if not isinstance(other, (Blocks, list)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other))

    __hash__ = None  # type: ignore[assignment]

    def copy(self) -> Blocks:
        return Blocks(list(self.groups))


def _keys(frames: Any, key_type: str, cumulative: bool) -> Any:
    if key_type == "traceback":
        return (frames,)
    told = frames if cumulative else frames[:1]
    return tuple(((file, 0 if key_type == "filename" else line),) for file, line in told)


class Snapshot(_original.Snapshot):
    """What lived at one moment, a trace for each block."""

    def __init__(self, traces: Any, traceback_limit: int) -> None:
        super().__init__(traces, traceback_limit)

    def __reduce__(self) -> Any:
        """In the standard library's format: any tracemalloc reads it."""
        state = dict(vars(self))
        traces: Any = self.traces
        state["traces"] = type(traces)(list(traces._traces))
        return (_original.Snapshot.__new__, (_original.Snapshot,), state)

    def dump(self, filename: _Path) -> None:
        plain = _original.Snapshot.__new__(_original.Snapshot)
        vars(plain).update(self.__reduce__()[2])
        with open(filename, "wb") as file:
            pickle.dump(plain, file, pickle.HIGHEST_PROTOCOL)

    @staticmethod
    def load(filename: _Path) -> Snapshot:
        """Reads what dump wrote, here or in the standard library, and nothing else: no other class
        is made, no function called. heaplens.Error if it is something else."""
        state = read(filename, vars(Snapshot).keys() | vars(_original.Snapshot).keys())
        snapshot = Snapshot(state.pop("traces"), state.pop("traceback_limit"))
        vars(snapshot).update(state)
        return snapshot

    def filter_traces(self, filters: Sequence[Any]) -> Snapshot:
        """A new snapshot of the traces that pass the filters."""
        blocks = self.traces._traces  # type: ignore[attr-defined]
        if not isinstance(blocks, Blocks):
            traces: Any = super().filter_traces(filters).traces
            return Snapshot(traces._traces, self.traceback_limit)
        if not isinstance(filters, Iterable):
            raise TypeError(f"filters must be a list of filters, not {type(filters).__name__}")
        if not filters:
            return Snapshot(blocks.copy(), self.traceback_limit)
        wanted = [f for f in filters if f.inclusive]
        unwanted = [f for f in filters if not f.inclusive]
        passed = [
            group
            for group in blocks.groups
            if self._filter_trace(wanted, unwanted, group[0])  # type: ignore[attr-defined]
        ]
        return Snapshot(Blocks(passed), self.traceback_limit)

    def _group_by(self, key_type: str, cumulative: bool) -> dict[Traceback, Statistic]:
        blocks = self.traces._traces  # type: ignore[attr-defined]
        known = key_type in ("lineno", "filename") or (key_type == "traceback" and not cumulative)
        if not isinstance(blocks, Blocks) or not known:
            return super()._group_by(key_type, cumulative)  # type: ignore[misc, no-any-return]
        found: dict[Any, Statistic] = {}
        for (_, size, frames, _), n in blocks.groups:
            for key in _keys(frames, key_type, cumulative):
                there = found.get(key)
                if there is None:
                    found[key] = Statistic(Traceback(key), size * n, n)
                else:
                    there.size += size * n
                    there.count += n
        return {row.traceback: row for row in found.values()}
