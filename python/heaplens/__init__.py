"""heaplens: which objects leak, what holds them, which line made them, and what to change.

    >>> import heaplens
    >>> before = heaplens.snapshot()
    >>> work()
    >>> after = heaplens.snapshot()
    >>> for row in heaplens.diff(before, after): print(row)

Everything that reads a snapshot is done by the native `heaplens` executable; this package takes
snapshots of its own process and asks the executable about them.

    >>> with heaplens.watch() as w:          # what grew over this block?
    ...     for item in work:
    ...         handle(item)
    ...         w.mark()                     # one unit of work is done
    >>> print(w.diagnose())
    >>> with heaplens.track() as t:          # which line made what lives?
    ...     load()
    >>> print(t.result)
    >>> with heaplens.lines(load) as table:  # what did each line of it make and keep?
    ...     load()
    >>> print(table)
    >>> print(heaplens.why(session))         # what keeps this object alive?
    >>> heaplens.graph(session, "s.svg")     # the same as a picture
    >>> heaplens.expect_collected(session)   # it should be gone soon: say so if it is not
"""

from __future__ import annotations

from heaplens._error import Error
from heaplens._expect import expect_collected
from heaplens._rounds import Round, mark, round

TYPE_CHECKING = False  # as typing has it, without loading typing into every program
if TYPE_CHECKING:
    from heaplens._diagnosis import Diagnosis, Finding, Holder, Note, Site, Step
    from heaplens._graph import Picture, graph
    from heaplens._heap import Growth, Snapshot, Summary, Table, diff, snapshot
    from heaplens._lines_table import LineTable, lines
    from heaplens._track import Allocations, Row, Track, track
    from heaplens._watch import Watch, watch
    from heaplens._why import Chain, Why, why

__version__ = "0.1.0"
__all__ = [
    "Allocations",
    "Chain",
    "Diagnosis",
    "Error",
    "Finding",
    "Growth",
    "Holder",
    "LineTable",
    "Note",
    "Picture",
    "Round",
    "Row",
    "Site",
    "Snapshot",
    "Step",
    "Summary",
    "Table",
    "Track",
    "Watch",
    "Why",
    "diff",
    "expect_collected",
    "graph",
    "lines",
    "mark",
    "round",
    "snapshot",
    "track",
    "watch",
    "why",
]

# What a program calls while it works is here at once; what asks questions is loaded when asked
# for, so that a program with marks in it stays as small as it was.
_LATER = {
    "_diagnosis": ("Diagnosis", "Finding", "Holder", "Note", "Site", "Step"),
    "_graph": ("Picture", "graph"),
    "_heap": ("Growth", "Snapshot", "Summary", "Table", "diff", "snapshot"),
    "_lines_table": ("LineTable", "lines"),
    "_track": ("Allocations", "Row", "Track", "track"),
    "_watch": ("Watch", "watch"),
    "_why": ("Chain", "Why", "why"),
}


def __getattr__(name: str) -> object:
    for module, names in _LATER.items():
        if name in names:
            from importlib import import_module

            value: object = getattr(import_module(f"heaplens.{module}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module 'heaplens' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
