"""Snapshots of this process, and questions about them."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
import weakref
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Union

from heaplens._core import core
from heaplens._error import Error
from heaplens._native import ask

_Path = Union[str, "os.PathLike[str]"]


@dataclass(frozen=True)
class Summary:
    """What taking a snapshot found and cost."""

    nodes: int  # objects with a row of their own
    edges: int  # references between them
    folded: int  # objects counted in their holder: numbers and strings nobody shares
    file_bytes: int  # added to the file
    child_bytes: int  # memory of the child that walked, beside what it shared with the program
    pause_seconds: float  # how long the program stood still
    walk_seconds: float  # CPU of the child

    @property
    def objects(self) -> int:
        return self.nodes + self.folded


@dataclass(frozen=True)
class Table:
    """The answer of a view: what it measures, and its rows by column key."""

    view: str
    title: str
    rows: list[dict[str, Any]]
    rows_left: int  # not shown
    note: str | None  # what was not seen


@dataclass(frozen=True)
class Growth:
    """One path shape that gained bytes from the first snapshot to the last.

    A path shape is a way from a root with indices and keys folded: __main__.cache[*].
    """

    where: str
    type: str
    objects_series: list[int]  # objects in each snapshot
    objects: int  # in the last one
    objects_delta: int
    bytes_delta: int  # of the objects themselves
    below_bytes_delta: int  # with all shapes below this one
    retained_bytes_delta: int  # what would go with them


class Snapshot:
    """A heap at one moment, in a file. A context manager: a temporary file goes when it ends."""

    def __init__(self, path: _Path, summary: Summary | None = None) -> None:
        self.path = os.fspath(path)
        self.summary = summary  # None for a file that was here before
        self._temporary: weakref.finalize[..., Any] | None = None

    def __repr__(self) -> str:
        return f"<heaplens.Snapshot {self.path!r}>"

    def __fspath__(self) -> str:
        return self.path

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the file if heaplens chose its name; one you named stays."""
        if self._temporary is not None:
            self._temporary()

    def diagnose(self) -> dict[str, Any]:
        """The verdict as data, schema heaplens.diagnosis/1 (docs/diagnosis.md)."""
        answer = ask("diagnose", self.path)
        if not isinstance(answer, dict):
            raise Error("diagnose did not answer with an object")
        return answer

    def show(self, view: str = "types", top: int | None = None) -> Table:
        """A view of the heap: types, growth, retained, containers, cycles, roots."""
        words = ["show", self.path, "--view", view]
        if top is not None:
            words += ["--top", str(top)]
        return _table(ask(*words))


def _table(answer: Any) -> Table:
    try:
        return Table(
            view=answer["view"],
            title=answer["title"],
            rows=answer["rows"],
            rows_left=answer.get("rows_left", 0),
            note=answer.get("note"),
        )
    except (KeyError, TypeError) as why:
        raise Error(f"the executable gave no table: {why!r}") from why


def program() -> str:
    """How this program was started, without its arguments: a path, "-m module" or "-c"."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    name: str | None = getattr(spec, "name", None)
    if name:
        return "-m " + (name[: -len(".__main__")] if name.endswith(".__main__") else name)
    words: list[str] = getattr(sys, "argv", [])
    return words[0] if words else ""


def temporary_folder() -> str:
    """A new folder only this user can read, for a file whose name nobody chose."""
    try:
        return tempfile.mkdtemp(prefix="heaplens-")
    except OSError as why:
        raise Error(f"no folder for a temporary file: {why}; name a file, or set TMPDIR") from why


def remove_folder(folder: str, owner: int) -> None:
    """Only in the process that made it: a forked child has the same names, not the same files."""
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def snapshot(path: _Path | None = None, *, append: bool = False) -> Snapshot:
    """Takes a snapshot of this process from a cloned child; the program pauses some milliseconds.

    Without a path the file is temporary: it goes when the Snapshot is closed or collected. An
    existing file is refused unless append is true, which adds a snapshot to it, so that
    diagnose() sees how the heap grew.
    """
    inside = core()
    folder = None
    if path is None:
        folder = temporary_folder()
        path = os.path.join(folder, "snapshot.hlens")
    where = os.fspath(path)
    try:
        said = inside.snapshot(where, reason="api", append=append, program=program())
    except (OSError, ValueError, RuntimeError) as why:
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)
        raise Error(str(why)) from why
    summary = Summary(
        nodes=said["nodes"],
        edges=said["edges"],
        folded=said["folded"],
        file_bytes=said["file_bytes"],
        child_bytes=said["child_bytes"],
        pause_seconds=said["pause_ns"] / 1e9,
        walk_seconds=said["walk_ns"] / 1e9,
    )
    taken = Snapshot(where, summary)
    if folder is not None:
        taken._temporary = weakref.finalize(taken, remove_folder, folder, os.getpid())
    return taken


def diff(old: _Path, new: _Path, *more: _Path, top: int = 20) -> list[Growth]:
    """What grew from the first snapshot to the last, at most top path shapes, most bytes first.

    Of each file its last snapshot counts.
    """
    files = [os.fspath(path) for path in (old, new, *more)]
    answer = ask("diff", *files, "--top", str(top))
    try:
        table = next(_table(part) for part in answer["tables"] if part["view"] == "shapes")
        return [Growth(**{name: row[name] for name in _GROWTH}) for row in table.rows]
    except (KeyError, TypeError, StopIteration) as why:
        raise Error(f"the executable gave no table of growth: {why!r}") from why


_GROWTH = [field.name for field in fields(Growth)]
