"""Reads a pickled snapshot of tracemalloc that a stranger may have written.

A pickle is a program: it names classes and functions, and has them called. Here the two names of a
snapshot lead to classes that are made for this one reading and have nothing, so that there is
nothing to call and nothing to change; every other name is refused. What comes out has to be a
snapshot, down to the last trace.
"""

from __future__ import annotations

import copyreg
import pickle
import pickletools
from collections.abc import Collection
from os import PathLike, fspath
from typing import IO, Any

from heaplens._error import Error

_PLAIN = (type(None), bool, int, float, str, bytes)


class _Reader(pickle.Unpickler):
    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.snapshot, self.traces = type("Snapshot", (), {}), type("_Traces", (), {})

    def find_class(self, module: str, name: str) -> Any:
        if module == "tracemalloc" and name == "Snapshot":
            return self.snapshot
        if module == "tracemalloc" and name == "_Traces":
            return self.traces
        raise pickle.UnpicklingError(f"it names {module}.{name}")


def _no_extensions(file: IO[bytes]) -> None:
    """Numbers of copyreg lead to what the program has used before, without asking find_class."""
    if copyreg._extension_cache:  # type: ignore[attr-defined]
        for opcode, _, _ in pickletools.genops(file):
            if opcode.name.startswith("EXT"):
                raise pickle.UnpicklingError("it names something by a number")
        file.seek(0)


def _is(value: Any, kind: type) -> bool:
    return type(value) is kind


def _is_trace(trace: Any) -> bool:
    return (
        _is(trace, tuple)
        and len(trace) == 4
        and _is(trace[0], int)
        and _is(trace[1], int)
        and _is(trace[2], tuple)
        and bool(trace[2])
        and all(
            _is(f, tuple) and len(f) == 2 and _is(f[0], str) and _is(f[1], int) for f in trace[2]
        )
        and (trace[3] is None or _is(trace[3], int))
    )


def _is_plain(value: Any) -> bool:
    """Data of an attribute that somebody gave the snapshot."""
    seen: set[int] = set()
    left = [value]
    while left:
        at = left.pop()
        if type(at) in (list, tuple, set, frozenset, dict):
            if id(at) not in seen:
                seen.add(id(at))
                left.extend(at)
                left.extend(at.values() if type(at) is dict else ())
        elif type(at) not in _PLAIN:
            return False
    return True


def _checked(reader: _Reader, snapshot: Any, taken: Collection[str]) -> dict[str, Any]:
    if type(snapshot) is not reader.snapshot:
        raise ValueError(f"it holds something else, of type {type(snapshot).__name__}")
    state = dict(vars(snapshot))
    if type(state.get("traces")) is not reader.traces:
        raise ValueError("it has no traces")
    traces = vars(state["traces"]).get("_traces")
    if type(traces) not in (list, tuple):
        raise ValueError("its traces are no list")
    for trace in {id(trace): trace for trace in traces}.values():
        if not _is_trace(trace):
            raise ValueError("one of its traces is none")
    if not _is(state.get("traceback_limit"), int):
        raise ValueError("it does not tell how many frames its traces have")
    for name, value in state.items():
        if name == "traces" or name == "traceback_limit":
            continue
        if type(name) is not str or name in taken or not _is_plain(value):
            raise ValueError(f"its attribute {name!r} is not plain data")
    return {**state, "traces": traces}


def read_open(file: IO[bytes], taken: Collection[str]) -> dict[str, Any]:
    """The same of a file that is open and can be read again; Error says what is wrong with it."""
    try:
        _no_extensions(file)
        reader = _Reader(file)
        return _checked(reader, reader.load(), taken)
    except (Exception, RecursionError) as why:
        raise Error(str(why)) from None


def read(filename: str | PathLike[str], taken: Collection[str]) -> dict[str, Any]:
    """The attributes of the snapshot in a file. taken: names that none may have."""
    with open(filename, "rb") as file:
        try:
            return read_open(file, taken)
        except Error as why:
            raise Error(f"{fspath(filename)} is not a snapshot of tracemalloc: {why}") from None
