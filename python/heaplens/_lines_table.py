"""heaplens.lines(): memory by source line of chosen functions; their tables as text and as data.

Lines are told apart by native code (src/inside/by_line.h); `heaplens lines` prints the same tables.
"""

from __future__ import annotations

import functools
import inspect
import linecache
from collections.abc import Callable, Iterator
from types import CodeType, TracebackType
from typing import Any, TypeVar

from heaplens._lines import Function, Lines

_Function = TypeVar("_Function", bound=Callable[..., Any])

NOTE = (
    "bytes are those of Python objects and of what C code asks malloc and mmap for (Native), "
    "exactly, with all that a line calls"
)
NOTE_NOT_COUNTED = (
    "bytes are those of Python objects, exactly, with all that a line calls; native bytes are not "
    "counted: memory that C code has from malloc itself is in the resident columns alone"
)


def note(native: bool) -> str:
    """What the numbers are of; native: whether C code's memory is counted."""
    return NOTE if native else NOTE_NOT_COUNTED


def _plain(text: str) -> str:
    """What a program called something, without what would move a terminal's cursor."""
    return "".join(c if c.isprintable() or c == "\t" else "?" for c in text)


def code_of(function: Any) -> CodeType | None:
    """Of a function or a method; None: it is not written in Python."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    return code if isinstance(code, CodeType) else None


def native_of(function: Function) -> int | None:
    """Native bytes of its lines together; None: they were not counted."""
    counted = [line.native_bytes for line in function.lines if line.native_bytes is not None]
    return sum(counted) if len(counted) == len(function.lines) else None


def table(function: Function) -> Iterator[str]:
    native = native_of(function) is not None
    row = "{:>6} {:>14} " + "{:>14} " * native + "{:>14} {:>10} {:>11} {:>11}   {}"
    net = sum(line.net_bytes for line in function.lines)
    name = getattr(function.code, "co_qualname", function.code.co_name)
    calls = f"{function.calls} call{'s' * (function.calls != 1)}"
    yield f"{_plain(function.file)}: {_plain(name)}, {calls}, {net:+,} bytes\n\n"
    names = ["Line", "Net bytes", "Native", "Peak bytes", "Times", "RSS MiB", "Change", ""]
    yield row.format(*names[: 2 + native], *names[3:]).rstrip() + "\n"
    text = linecache.getlines(function.file)
    measured = {line.line: line for line in function.lines}
    for number in range(function.code.co_firstlineno, max(measured, default=0) + 1):
        contents = _plain(text[number - 1].rstrip("\n")) if number <= len(text) else ""
        line = measured.get(number)
        columns = [""] * (5 + native)
        if line is not None:
            columns = [f"{line.net_bytes:+,}"]
            columns += [] if line.native_bytes is None else [f"{line.native_bytes:+,}"]
            columns += [
                f"{line.peak_bytes:,}",
                f"{line.occurrences:,}",
                f"{line.rss / 2**20:.1f}",
                f"{line.rss_increment / 2**20:+.1f}",
            ]
        yield row.format(number, *columns, contents).rstrip() + "\n"
    yield "\n"


def as_data(functions: list[Function], native: bool) -> dict[str, Any]:
    """heaplens.lines/1; native: whether C code's memory was counted."""

    def one(function: Function) -> dict[str, Any]:
        text = linecache.getlines(function.file)
        lines = [
            {
                "line": x.line,
                "net_bytes": x.net_bytes,
                "native_bytes": x.native_bytes,
                "peak_bytes": x.peak_bytes,
                "occurrences": x.occurrences,
                "rss_bytes": x.rss,
                "rss_increment_bytes": x.rss_increment,
                "text": text[x.line - 1].rstrip("\n") if x.line <= len(text) else "",
            }
            for x in sorted(function.lines)
        ]
        return {
            "file": function.file,
            "function": getattr(function.code, "co_qualname", function.code.co_name),
            "line": function.code.co_firstlineno,
            "calls": function.calls,
            "net_bytes": sum(x.net_bytes for x in function.lines),
            "native_bytes": native_of(function),
            "rss_at_start_bytes": function.rss_at_start,
            "lines": lines,
        }

    return {
        "schema": "heaplens.lines/1",
        "native_counted": native,
        "functions": [one(f) for f in functions if f.lines],
        "not_called": [f.code.co_name for f in functions if not f.lines],
        "notes": [note(native)],
    }


class LineTable:
    """What the lines of chosen functions did while the block ran, or the decorated function."""

    def __init__(self, chosen: tuple[Any, ...], everywhere: bool) -> None:
        self._lines = Lines(everywhere=everywhere)
        for function in chosen:
            self.choose(function)

    def choose(self, function: _Function) -> _Function:
        """One function more. It is given back, so that this decorates what a block will tell."""
        code = code_of(inspect.unwrap(function))
        if code is None:
            raise TypeError(f"lines are those of Python functions, not of {function!r}")
        self._lines.choose(code)
        return function

    def __enter__(self) -> LineTable:
        self._lines.enable()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._lines.disable()

    def __call__(self, function: _Function) -> _Function:
        """The function, told whenever it is called; its `lines` is this table."""
        if inspect.isgeneratorfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError("it runs after its call is over: name it in `with heaplens.lines(...)`")
        self.choose(function)

        @functools.wraps(function)
        def told(*args: Any, **kw: Any) -> Any:
            with self:
                return function(*args, **kw)

        told.lines = self  # type: ignore[attr-defined]
        return told  # type: ignore[return-value]

    @property
    def functions(self) -> list[Function]:
        """Those chosen, as they were chosen, with lines that ran until now."""
        return self._lines.functions()

    @property
    def native_counted(self) -> bool:
        """Whether what C code asks malloc and its kin for is counted, as under `heaplens lines`."""
        return self._lines.native_counted

    @property
    def data(self) -> dict[str, Any]:
        """What `heaplens lines --json` writes (docs/schema/lines-1.json)."""
        return as_data(self.functions, self._lines.native_counted)

    def __str__(self) -> str:
        return "".join(part for f in self.functions if f.lines for part in table(f)).rstrip("\n")


def lines(*functions: Callable[..., Any], everywhere: bool = False) -> LineTable:
    """Exact memory by source line of these functions, in a block, or of the function it decorates.

    everywhere: also in other threads than the one that enters.
    """
    return LineTable(functions, everywhere)
