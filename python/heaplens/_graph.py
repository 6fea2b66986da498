"""What is around an object, as a picture."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import Any, Union

from heaplens._error import Error
from heaplens._expect import lasting
from heaplens._heap import snapshot
from heaplens._native import ask, ask_in_words

_Path = Union[str, "os.PathLike[str]"]
_NOT_FOUND = 5


@dataclass(frozen=True)
class Picture:
    """A picture of references. str() is its text for Graphviz, or the file's name."""

    path: str | None  # of the file that was written
    dot: str | None  # the text for Graphviz, where no file was named
    nodes: list[dict[str, Any]] = field(repr=False)  # as `heaplens graph --json` has them
    edges: list[dict[str, Any]] = field(repr=False)
    left_out: int  # objects next to those drawn

    def __str__(self) -> str:
        return self.dot or self.path or ""


def graph(
    value: object,
    path: _Path | None = None,
    *,
    refs: bool = False,
    depth: int | None = None,
    max_nodes: int | None = None,
    overwrite: bool = False,
) -> Picture:
    """Draws what refers to value, up to the roots; with refs, what value refers to.

    path ends in .svg or .png, which Graphviz's `dot` draws, or in .dot, its text. An existing file
    is refused unless overwrite is true. depth and max_nodes bound the picture (8, with refs 3; 40).
    The function that asks, and its caller's variables, are left out: they hold it while they ask.
    """
    if (depth is not None and depth < 1) or (max_nodes is not None and max_nodes < 1):
        raise ValueError("depth and max_nodes are at least 1")
    name = type(value).__qualname__
    lasts = lasting(value)
    if lasts is not None and not refs:
        raise Error(f"{lasts}: nothing has to hold it, and there is nothing to draw")
    # apart: snapshot(), this function, and who calls it: they hold it only while they ask
    apart = 3 if sys._getframe().f_back is not None else 2
    words = ["--apart", str(apart), "--refs" if refs else "--backrefs"]
    if depth is not None:
        words += ["--depth", str(depth)]
    if max_nodes is not None:
        words += ["--max-nodes", str(max_nodes)]
    where = None if path is None else os.fspath(path)
    with snapshot() as taken:
        asked = ["graph", taken.path, hex(id(value)), *words]
        try:
            if where is None:
                answer, dot = ask_in_words(*asked)
            else:
                answer, dot = ask(*asked, f"--output={where}", *(["-f"] if overwrite else [])), None
        except Error as told:
            if told.exit_code != _NOT_FOUND:
                raise
            raise Error(
                f"a {name} that one object alone holds is counted with its holder, and is no node "
                "of a picture: draw its holder with refs=True",
                _NOT_FOUND,
            ) from told
    try:
        return Picture(where, dot, answer["nodes"], answer["edges"], answer["left_out"])
    except (KeyError, TypeError) as broken:
        raise Error(f"the executable gave no picture: {broken!r}") from broken
