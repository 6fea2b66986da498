"""Units of work: what a program says is done, so that growth can be told per round."""

from __future__ import annotations

from heaplens._core import core
from heaplens._error import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


def _nobody() -> None:
    """Where heaplens cannot look nobody counts; a program with marks in it runs all the same."""


def _first() -> None:
    """The extension is loaded by the first mark, not by the import of the package."""
    global _mark
    try:
        _mark = core().mark
    except Error:
        _mark = _nobody
    _mark()


_mark: Callable[[], None] = _first


def mark() -> None:
    """One unit of work is done: a request, a message, an iteration.

    Counts under `heaplens run` and in every block under heaplens.watch(); else nothing happens.
    """
    _mark()


class Round:
    """with heaplens.round(): ...  is a unit of work, done when the block is left, however."""

    __slots__ = ()

    def __enter__(self) -> Round:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _mark()


_round = Round()


def round() -> Round:
    """A block that is one unit of work. Blocks inside one another count one each."""
    return _round
