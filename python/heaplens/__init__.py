"""heaplens: which objects leak, what holds them, which line made them, and what to change.

    >>> import heaplens
    >>> before = heaplens.snapshot()
    >>> work()
    >>> after = heaplens.snapshot()
    >>> for row in heaplens.diff(before, after): print(row)

Everything that reads a snapshot is done by the native `heaplens` executable; this package takes
snapshots of its own process and asks the executable about them.
"""

from heaplens._heap import Growth, Snapshot, Summary, Table, diff, snapshot
from heaplens._native import Error

__version__ = "0.1.0"
__all__ = ["Error", "Growth", "Snapshot", "Summary", "Table", "diff", "snapshot"]
