"""heaplens.track(): where the memory of a block of code came from, line by line.

The hooks and tables are native (src/inside/track_engine.h); here rows are given names and grouped.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

from heaplens._core import core
from heaplens._error import Error

_Function = TypeVar("_Function", bound=Callable[..., Any])

# Levels of a stack that are checked at an allocation; beyond them it is believed to be what it was.
HORIZON = 32
WINDOWS = (1, 2, 4, 8, 16, 32, 64)
DOMAINS = {1: "raw", 2: "mem", 3: "object"}
_OWN = __file__


class Frame(NamedTuple):
    file: str
    line: int
    function: str


@dataclass
class Row:
    """What one line, file, function, stack, thread or domain made. Sampled: estimates."""

    file: str
    line: int
    function: str
    bytes: int = 0  # live
    blocks: float = 0
    total_bytes: int = 0  # allocated since the block began
    total_blocks: float = 0
    brief_blocks: float = 0  # of the total: freed before the thread allocated again
    stack: tuple[Frame, ...] = ()  # innermost first
    variance: float = field(default=0.0, repr=False)

    @property
    def error(self) -> float:
        """The standard error of bytes; 0 where every block is noted."""
        return float(self.variance**0.5)


class Allocations:
    """What lives at one moment of what a tracked block made, and what it made in all."""

    def __init__(self, rows: dict[str, Any], since: int, before: dict[tuple[int, ...], Any]):
        self.mode: str = rows["mode"]
        self.peak_bytes: int = rows["peak"]
        self.lost: int = rows["lost"]
        self.dropped: int = rows["dropped"]
        self.caveats: list[str] = rows["caveats"]
        self._windows: bool = rows["windows"]
        self._sites: list[tuple[int, int, int]] = rows["sites"]
        self._codes: list[tuple[str, str, int]] = rows["codes"]
        self._threads = {who: (ident, tid) for who, ident, tid, _ in rows["threads"]}
        self._stacks: dict[int, tuple[Frame, ...]] = {}
        oldest = since >> rows["age_shift"]
        self._live = self._others(row for row in rows["live"] if row[1] >= oldest)
        self._made = list(self._others(_beyond(row, before) for row in rows["made"]))
        peak = rows["peak_rows"]
        self._peak = None if peak is None or since else self._others(peak)

    def _others(self, rows: Any) -> list[Any]:
        """Without what heaplens itself made to answer."""
        return [row for row in rows if row and not self._is_own(row[0])]

    def _is_own(self, site: int) -> bool:
        return bool(site) and self._codes[self._sites[site][1]][0] == _OWN

    def stack(self, site: int) -> tuple[Frame, ...]:
        found = self._stacks.get(site)
        if found is None:
            frames = []
            at = site
            while at:
                at, code, line = self._sites[at]
                file, function, _ = self._codes[code]
                frames.append(Frame(file, line, function))
            found = self._stacks[site] = tuple(frames)
        return found

    def _key(self, group_by: str, site: int, domain: int, who: int, age: int) -> Any:
        stack = self.stack(site)
        top = stack[0] if stack else Frame("", 0, "")
        if group_by == "line":
            return top
        if group_by == "file":
            return Frame(top.file, 0, "")
        if group_by == "function":
            return Frame(top.file, 0, top.function)
        if group_by == "traceback":
            return (top, stack)
        if group_by == "domain":
            return Frame("", domain, DOMAINS[domain])
        if group_by == "thread":
            return Frame("", who, str(self._threads.get(who, (0, 0))[1]))
        if group_by == "age":
            return Frame("", age, "")
        raise Error(
            f"cannot group by {group_by!r}: line, file, function, traceback, domain, thread or age"
        )

    def rows(self, group_by: str = "line", *, peak: bool = False, within: int = 1) -> list[Row]:
        """Rows, most live bytes first. peak: what lived when most did, not what lives now.

        within: brief_blocks are those freed within so many allocations of the thread that made
        them: 1, 2, 4 ... 64. More than 1 is known where track(temporary=True) asked for it.
        """
        if within not in WINDOWS:
            raise Error(f"what was soon freed is counted within 1, 2, 4 ... 64, not {within!r}")
        if within > 1 and not self._windows:
            raise Error(
                "only what was freed before the thread allocated again was counted: "
                "begin with track(temporary=True)"
            )
        found: dict[Any, Row] = {}

        def row(key: Any) -> Row:
            frame, stack = key if group_by == "traceback" else (key, ())
            if group_by == "line":
                key = frame[:2]  # a comprehension is a function of its own, on a line it shares
            there = found.get(key)
            if there is None:
                there = found[key] = Row(frame.file, frame.line, frame.function, stack=stack)
            elif len(frame.function) < len(there.function):
                there.function = frame.function
            return there

        live = self._live if not peak or self._peak is None else self._peak
        for site, age, who, domain, blocks, size, variance in live:
            r = row(self._key(group_by, site, domain, who, age))
            r.blocks += blocks
            r.bytes += size
            r.variance += variance
        if group_by != "age":
            for site, domain, who, blocks, size, brief, _, windows in self._made:
                r = row(self._key(group_by, site, domain, who, 0))
                r.total_blocks += blocks
                r.total_bytes += size
                r.brief_blocks += brief + sum(windows[: WINDOWS.index(within)])
        return sorted(found.values(), key=lambda r: (-r.bytes, -r.total_bytes, r.file, r.line))

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows())

    @property
    def bytes(self) -> int:
        return sum(row[5] for row in self._live)

    @property
    def blocks(self) -> float:
        return float(sum(row[4] for row in self._live))

    @property
    def total_bytes(self) -> int:
        return sum(row[4] for row in self._made)

    @property
    def total_blocks(self) -> float:
        return float(sum(row[3] for row in self._made))

    def __str__(self) -> str:
        lines = [f"{self.bytes:,} bytes in {self.blocks:,.0f} blocks live"]
        for row in self.rows()[:10]:
            name = os.path.basename(row.file)
            lines.append(
                f"{row.bytes:>14,}  {row.blocks:>10,.0f}  {name}:{row.line} {row.function}"
            )
        return "\n".join(lines + self.caveats)


def _beyond(row: Any, before: dict[tuple[int, ...], Any]) -> Any:
    """A row of totals without what was there when the block began; None if that is all of it."""
    old = before.get(row[:3])
    if old is None:
        return row
    if old[3] == row[3]:
        return None
    sums = (now - then for now, then in zip(row[3:7], old[3:7]))
    return (*row[:3], *sums, tuple(now - then for now, then in zip(row[7], old[7])))


class Track:
    """with heaplens.track() as t: ...   then t.result; or @heaplens.track() before a function.

    Inside the block t.snapshot() says what lives now. Blocks may lie inside one another, and one
    may be entered again: each says what it made itself. What the outermost asked for (each
    allocation, or samples) holds for those inside, be it `heaplens run --exact`.
    """

    def __init__(self, rate: float | None, horizon: int, correct: bool, temporary: bool):
        self._rate, self._horizon, self._correct = rate, horizon, correct
        self._temporary = temporary
        self._since = 0
        self._before: dict[tuple[int, ...], Any] = {}
        self._depth = 0
        self.result: Allocations | None = None

    def start(self) -> Track:
        self._depth += 1
        if self._depth > 1:
            return self
        inside = core()
        try:
            joins = inside.track_start(
                exact=self._rate is None,
                mean=float(self._rate or 0),
                horizon=self._horizon,
                lists=self._correct,
                windows=self._temporary,
            )
        except BaseException as why:
            self._depth = 0
            if isinstance(why, RuntimeError):
                raise Error(str(why)) from None
            raise
        self._since, self._before = 0, {}
        if joins:
            self._since = inside.track_checkpoint()
            self._before = {row[:3]: row for row in inside.track_rows()["made"]}
        return self

    def stop(self) -> Allocations:
        """The block is left; what it says then stays in result."""
        if not self._depth:
            raise Error("this block is not being tracked: it was stopped, or never started")
        if self._depth > 1:
            self._depth -= 1
            return self.snapshot()
        self.result = self.snapshot()
        self._depth = 0
        core().track_stop()
        return self.result

    def snapshot(self) -> Allocations:
        if not self._depth:
            raise Error("this block is not being tracked: it was stopped, or never started")
        return Allocations(core().track_rows(), self._since, self._before)

    def checkpoint(self) -> None:
        """What is made from now on is of another age: rows("age")."""
        core().track_checkpoint()

    def __enter__(self) -> Track:
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def __call__(self, function: _Function) -> _Function:
        @functools.wraps(function)
        def tracked(*args: Any, **keywords: Any) -> Any:
            with self:
                return function(*args, **keywords)

        tracked.track = self  # type: ignore[attr-defined]
        return tracked  # type: ignore[return-value]


def track(
    rate: float | None = None,
    *,
    horizon: int = HORIZON,
    correct: bool = True,
    temporary: bool = False,
) -> Track:
    """Follows allocations of a block: each, or with rate one in so many bytes (say 512 * 1024).

    horizon: levels of the stack that are checked each time, 0 for all. correct: objects out of free
    lists are told as made by who made them, which costs a little. temporary: it is counted how
    soon each block is freed, for rows(within=8), which costs a little, too.
    """
    if rate is not None and not rate >= 1:
        raise Error(f"rate is the bytes between two samples, and {rate!r} is less than one")
    if rate is not None and temporary:
        raise Error("samples do not tell how soon a block is freed: give no rate")
    return Track(rate, horizon, correct, temporary)
