"""Memory by source line, for functions that were chosen.

Lines are told apart and summed up by native code (src/inside/by_line.h); here functions are chosen,
and rows are given names.
"""

from __future__ import annotations

import contextlib
import dis
import functools
import inspect
import os
import sys
import threading
from collections.abc import Iterator
from types import CodeType, TracebackType
from typing import Any, NamedTuple

from heaplens._core import core
from heaplens._error import Error


class Line(NamedTuple):
    """What all turns of one line did, with all that it called."""

    line: int
    net_bytes: int  # memory made less what was freed: Python's and, where it is counted, native
    peak_bytes: int  # the most above what lived when a turn began
    occurrences: int
    rss_increment: int
    rss: int  # at its end, the most
    live_bytes: int  # Python memory made by the thread and not freed, at its end, the most
    native_bytes: int | None  # of net_bytes, what C code asked malloc for; None: not counted

    @property
    def python_bytes(self) -> int:
        """Of net_bytes, those of Python's own allocators."""
        return self.net_bytes - (self.native_bytes or 0)


class Function(NamedTuple):
    """A chosen function: lines that ran, in the order in which they first ended."""

    code: CodeType
    calls: int
    rss_at_start: int
    lines: list[Line]

    @property
    def file(self) -> str:
        name = self.code.co_filename
        return name[:-1] if name.endswith((".pyc", ".pyo")) else name


def _inner(code: CodeType) -> Iterator[CodeType]:
    for constant in code.co_consts:
        if inspect.iscode(constant):
            yield constant
            yield from _inner(constant)


def span(code: CodeType) -> tuple[int, int]:
    """The first and the last line of a function, decorators and inner functions included."""
    first = last = code.co_firstlineno
    for each in (code, *_inner(code)):
        for _, line in dis.findlinestarts(each):
            if line is not None:
                last = max(last, line)
    with contextlib.suppress(OSError, TypeError, SyntaxError, IndentationError):
        source, begin = inspect.getsourcelines(code)
        first, last = min(first, begin), max(last, begin + len(source) - 1)
    return first, last


def _begins(before: Any, frame: Any, event: str, arg: Any) -> Any:
    """The trace function of a new thread, for its first call: then it is the native one."""
    if before is not None:
        sys.settrace(before)
    core().lines_here()
    return None if before is None else before(frame, event, arg)


def _follow_threads() -> None:
    before = getattr(threading, "_trace_hook", None)
    if getattr(before, "func", None) is not _begins:
        threading.settrace(functools.partial(_begins, before))


class Lines:
    """with lines: chosen functions that begin inside are told line by line.

    everywhere: those of all threads, else of the thread that entered.
    """

    def __init__(self, *, everywhere: bool = False) -> None:
        self._core = core()
        self._everywhere = everywhere
        self._owner = self._core.lines_open()

    def choose(self, code: CodeType) -> None:
        first, last = span(code)
        try:
            self._core.lines_choose(self._owner, code, None, first, last)
            for inner in _inner(code):
                self._core.lines_choose(self._owner, inner, code, first, last)
        except RuntimeError as why:
            raise Error(str(why)) from None

    def enable(self) -> None:
        if self._everywhere and sys.version_info < (3, 12):
            _follow_threads()
        self._core.lines_enable(self._owner, self._everywhere)

    def disable(self) -> None:
        self._core.lines_disable(self._owner)

    def __enter__(self) -> Lines:
        self.enable()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.disable()

    @property
    def native_counted(self) -> bool:
        """Whether C code's memory counts: what tells it is preloaded (`heaplens lines`)."""
        return bool(self._core.lines_native())

    def functions(self) -> list[Function]:
        counted = self.native_counted

        def line(row: tuple[int, ...]) -> Line:
            made = Line(*row)
            return made if counted else made._replace(native_bytes=None)

        return [
            Function(code, calls, rss, [line(row) for row in rows])
            for code, rows, rss, calls in self._core.lines_rows(self._owner)
        ]

    def close(self) -> None:
        """Gives what it saw to who was enabled around it; it is asked nothing any more."""
        self._core.lines_close(self._owner)


def net() -> int:
    """What this thread made of Python's memory and did not free since lines were counted first."""
    made: tuple[Any, ...] = core().lines_net()
    return int(made[0])


def mebibytes(pid: int = -1, *, kind: str = "rss") -> float:
    """Resident memory of a process in MiB; kind "pss": shared pages by their part, "uss": none."""
    who = "self" if pid == -1 else str(pid)
    if kind == "rss":
        with open(f"/proc/{who}/statm") as statm:
            return int(statm.read().split()[1]) * os.sysconf("SC_PAGESIZE") / 2**20
    wanted = {"pss": ("Pss:",), "uss": ("Private_Clean:", "Private_Dirty:")}[kind]
    with open(f"/proc/{who}/smaps_rollup") as rollup:
        rows = (line.split() for line in rollup)
        return sum(int(row[1]) for row in rows if row and row[0] in wanted) / 2**10
