"""A block of code under observation, inside the program: what grew over it, and what to change."""

from __future__ import annotations

import os
import weakref
from types import TracebackType
from typing import Any, Union

from heaplens._core import core
from heaplens._diagnosis import Diagnosis, diagnosis
from heaplens._error import Error
from heaplens._heap import program, remove_folder, temporary_folder
from heaplens._native import ask_in_words

_Path = Union[str, "os.PathLike[str]"]


def _let_go(handle: Any, folder: str | None, owner: int) -> None:
    """At the latest when the interpreter ends, while threads may still be joined."""
    if os.getpid() == owner:
        core().watch_end(handle)
        if folder is not None:
            remove_folder(folder, owner)


class WatchRound:
    """with w.round(): ...  is a unit of work of one watch."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch

    def __enter__(self) -> WatchRound:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watch.mark()


class Watch:
    """Made by heaplens.watch(); looks from the start of the block to its end."""

    def __init__(
        self,
        path: _Path | None,
        *,
        interval: float | None,
        max_snapshots: int | None,
        min_growth: int | None,
        thread: bool,
    ) -> None:
        if interval is not None and interval <= 0:
            raise ValueError("interval is a number of seconds above 0")
        if max_snapshots is not None and max_snapshots < 2:
            raise ValueError("max_snapshots is at least 2: the first and the last")
        if min_growth is not None and min_growth <= 0:
            raise ValueError("min_growth is a number of bytes above 0")
        self.path = None if path is None else os.path.abspath(os.fspath(path))
        self._interval_ms = 0 if interval is None else max(1, int(interval * 1000))
        self._max_snapshots = max_snapshots or 0
        self._min_growth = min_growth
        self._thread = thread
        self._owner = 0
        self._handle: Any = None
        self._over = False
        self._finalizer: weakref.finalize[..., Any] | None = None

    def __repr__(self) -> str:
        state = "over" if self._over else "watching" if self._handle is not None else "not begun"
        return f"<heaplens.Watch {self.path!r}, {state}>"

    def __enter__(self) -> Watch:
        if self._handle is not None:
            raise Error("this watch was used already: each block needs one of its own")
        folder = None
        if self.path is None:
            folder = temporary_folder()
            self.path = os.path.join(folder, "watch.hlens")
        self._owner = os.getpid()
        try:
            self._handle = core().watch_begin(
                self.path,
                program(),
                max_snapshots=self._max_snapshots,
                interval_ms=self._interval_ms,
                thread=self._thread,
            )
        except (OSError, RuntimeError) as why:
            if folder is not None:
                remove_folder(folder, self._owner)
            raise Error(str(why)) from why
        self._finalizer = weakref.finalize(self, _let_go, self._handle, folder, self._owner)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """The last look. It fails silently if the block did: its exception is what matters."""
        if self._over or os.getpid() != self._owner:
            return
        try:
            self.snapshot("end")
        except Error:
            if kind is None:
                raise
        finally:
            core().watch_end(self._handle)
            self._over = True

    def _begun(self) -> Any:
        if self._handle is None:
            raise Error("the watch has not begun: with heaplens.watch() as w: ...")
        return self._handle

    def mark(self) -> None:
        """One unit of work of this watch is done; heaplens.mark() is one for all who watch."""
        try:
            core().watch_round(self._begun())
        except RuntimeError:
            if os.getpid() == self._owner:
                raise
            # a forked child works on, and nobody counts what it does

    def round(self) -> WatchRound:
        """A block that is one unit of work of this watch."""
        return WatchRound(self)

    @property
    def rounds(self) -> int:
        """Units of work so far."""
        return int(core().watch_state(self._begun())["rounds"])

    def snapshot(self, reason: str = "api") -> None:
        """Takes a snapshot now."""
        try:
            core().watch_look(self._begun(), reason)
        except (OSError, RuntimeError, MemoryError) as why:
            raise Error(str(why)) from why

    def diagnose(self) -> Diagnosis:
        """The verdict on the block: on what was seen until now, inside it; after it, on all."""
        handle = self._begun()
        if os.getpid() != self._owner:
            raise Error("the watch belongs to the process this one was forked from")
        if not self._over:
            self.snapshot("asked")
        assert self.path is not None
        words = ["diagnose", self.path]
        if self._min_growth is not None:
            words += ["--min-growth", str(self._min_growth)]
        try:
            return diagnosis(*ask_in_words(*words))
        except Error as why:
            failed = core().watch_state(handle)["failure"]
            if failed:
                raise Error(f"{why} ({failed})", why.exit_code) from why
            raise

    def close(self) -> None:
        """Ends the watch, and removes the file if heaplens chose its name; one you named stays."""
        self._over = True
        if self._finalizer is not None:
            self._finalizer()


def watch(
    path: _Path | None = None,
    *,
    interval: float | None = None,
    max_snapshots: int | None = None,
    min_growth: int | None = None,
    thread: bool = True,
) -> Watch:
    """Watches this process while a block of code runs.

        with heaplens.watch() as w:
            for request in requests:
                serve(request)
                w.mark()
        print(w.diagnose())

    Snapshots go to path, a new file, or to a temporary one. They are taken at the start, at the
    end, and between: at the marks of rounds (1, 2, 3, 4, 6, 9 ...), by time and by growth, or every
    interval seconds; at most max_snapshots (24). Without thread only at marks: nothing but the
    program's own threads then, which matters where os.fork() warns of them. Growth below min_growth
    bytes is no leak where no rounds are declared (default 1 MiB or 5 % of the heap).
    """
    return Watch(
        path,
        interval=interval,
        max_snapshots=max_snapshots,
        min_growth=min_growth,
        thread=thread,
    )
