"""The standard library's tracemalloc, on the tracker of heaplens: change the import, nothing else.

    from heaplens.compat import tracemalloc

What is asked of a snapshot is answered by the standard library's own classes, so that numbers,
order and words are the same; who made which block is known from heaplens' hooks, which cost the
same for 1 frame and for 25. Where the two differ: docs/compat/tracemalloc.md.
"""

from __future__ import annotations

import operator
import os
import sys
import tracemalloc as _original
import warnings
from tracemalloc import (
    BaseFilter,
    DomainFilter,
    Filter,
    Frame,
    Statistic,
    StatisticDiff,
    Trace,
    Traceback,
)
from typing import Any

from heaplens._core import core
from heaplens._error import Error
from heaplens._track import HORIZON
from heaplens.compat._snapshot import Blocks, Snapshot

__all__ = [
    "BaseFilter",
    "DomainFilter",
    "Filter",
    "Frame",
    "Snapshot",
    "Statistic",
    "StatisticDiff",
    "Trace",
    "Traceback",
    "clear_traces",
    "get_object_traceback",
    "get_traceback_limit",
    "get_traced_memory",
    "get_tracemalloc_memory",
    "is_tracing",
    "reset_peak",
    "start",
    "stop",
    "take_snapshot",
]

_FRAMES_MOST = 65535
_INT_MOST = 2**31
_OWN = os.path.join(os.path.dirname(os.path.dirname(__file__)), "")  # its files' blocks are ours


class _Beside:
    """The most that lived of what we trace, where another session began before us or goes on.

    The tracker knows the most that lived of all. What of that was there before is taken off, as if
    none of it had gone since; what was seen when somebody asked is a lower bound.
    """

    def __init__(self, ours: int, everything: int, peak: int) -> None:
        self.before, self.peak, self.seen = everything - ours, peak, ours

    def most(self, ours: int, peak: int) -> int:
        risen = peak - self.before if peak > self.peak else 0
        self.seen = max(self.seen, ours, risen)
        return self.seen


_tracing = False
_limit = 1
_since = 0  # the checkpoint from which on blocks are ours; 0: all are
_beside: _Beside | None = None


def start(nframe: int = 1, /) -> None:
    """Traces allocations from now on, with so many frames of each. Nothing, if it does already."""
    global _tracing, _limit, _since
    nframe = operator.index(nframe)
    if not -_INT_MOST <= nframe < _INT_MOST:
        raise OverflowError("Python int too large to convert to C int")
    if not 1 <= nframe <= _FRAMES_MOST:
        raise ValueError(f"the number of frames must be in range [1; {_FRAMES_MOST}]")
    if _tracing:
        return
    inside = core()
    try:
        joins = inside.track_start(horizon=HORIZON)
    except RuntimeError as why:
        raise Error(str(why)) from None
    _limit, _tracing = nframe, True
    _since = inside.track_checkpoint() if joins else 0
    reset_peak()


def stop() -> None:
    """Traces no more, and forgets what it traced."""
    global _tracing, _since, _beside
    if _tracing:
        _tracing, _since, _beside = False, 0, None
        core().track_stop()


def is_tracing() -> bool:
    return _tracing


def get_traceback_limit() -> int:
    """How many frames of a stack a trace has at most."""
    return _limit


def get_traced_memory() -> tuple[int, int]:
    """Bytes that live, and the most that did since the start, clear_traces or reset_peak."""
    if not _tracing:
        return (0, 0)
    ours, _, peak = core().track_traced(_since)
    return (ours, peak if _beside is None else _beside.most(ours, peak))


def reset_peak() -> None:
    """The peak is what lives now."""
    global _beside
    if _tracing:
        inside = core()
        _beside = None if inside.track_peak_anew() else _Beside(*inside.track_traced(_since))


def clear_traces() -> None:
    """Forgets what was traced until now."""
    global _since, _beside
    if not _tracing:
        return
    inside = core()
    if inside.track_forget():
        _beside = None  # two statements: a tuple of both would be the first thing traced
        _since = 0
    else:  # others go on and need it
        _since = inside.track_checkpoint()
        reset_peak()


def get_tracemalloc_memory() -> int:
    """Bytes of memory that the tracker's tables have taken."""
    return core().track_tables() if _tracing else 0


def _get_object_traceback(obj: object, /) -> tuple[tuple[str, int], ...] | None:
    return core().track_trace_of(obj, _limit, _since) if _tracing else None


def get_object_traceback(obj: object) -> Traceback | None:
    """Where the object's block was allocated; None: that was not traced."""
    frames = _get_object_traceback(obj)
    return None if frames is None else Traceback(frames)


def _of_domains() -> list[Any]:
    """What C extensions told the original of (PyTraceMalloc_Track), while that traces, too."""
    if not _original.is_tracing():
        return []
    return [trace for trace in _original._get_traces() if trace[0]]  # type: ignore[attr-defined]


def _get_traces() -> Blocks | list[Any]:
    if not _tracing:
        return []
    return Blocks([*core().track_traces(_limit, _since, _OWN), *((t, 1) for t in _of_domains())])


def take_snapshot() -> Snapshot:
    """What lives of what was traced, a trace for each block."""
    if not is_tracing():
        raise RuntimeError(
            "the tracemalloc module must be tracing memory allocations to take a snapshot"
        )
    bypassed = core().track_bypassed() if _tracing else None
    if bypassed:
        warnings.warn(bypassed, RuntimeWarning, stacklevel=2)
    return Snapshot(_get_traces(), get_traceback_limit())


def _asked_at_start() -> bool:
    """-X tracemalloc or PYTHONTRACEMALLOC, which the interpreter has heeded."""
    environment = "" if sys.flags.ignore_environment else os.environ.get("PYTHONTRACEMALLOC", "")
    return _original.is_tracing() and ("tracemalloc" in sys._xoptions or bool(environment))


if _asked_at_start():
    start(_original.get_traceback_limit())
