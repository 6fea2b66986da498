"""Why an object is alive: the chains from a root that keep it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from heaplens._diagnosis import Step
from heaplens._error import Error
from heaplens._expect import lasting
from heaplens._heap import snapshot
from heaplens._native import ask_in_words

_NOT_FOUND = 5


@dataclass(frozen=True)
class Chain:
    """One way from a root to the object."""

    steps: list[Step]
    steps_left_out: int  # between the two halves of a very long one


@dataclass(frozen=True)
class Why:
    """The chains that keep an object alive, the shortest first. str() shows them."""

    type: str
    address: int
    retained_bytes: int | None  # what would go with it
    chains: list[Chain]
    text: str

    def __str__(self) -> str:
        return self.text


def _nothing(value: object, text: str) -> Why:
    return Why(type(value).__qualname__, id(value), None, [], text)


def _chain(row: dict[str, Any]) -> Chain:
    steps = [Step(type=s["type"], edge=s["edge"], name=s["name"]) for s in row["steps"]]
    return Chain(steps, row["steps_left_out"])


def why(value: object, *, chains: int = 5) -> Why:
    """The chains that keep value alive, at most so many, by different holders.

    print(heaplens.why(session)) answers at once, from a snapshot of this process. The function that
    asks, and its caller's variables, are left out: they hold it while they ask.
    """
    if chains < 1:
        raise ValueError("chains is at least 1")
    lasts = lasting(value)
    if lasts is not None:
        return _nothing(value, f"{lasts}: nothing has to hold it")
    name = type(value).__qualname__
    # apart: snapshot(), this function, and who calls it: they hold it only while they ask
    apart = 3 if sys._getframe().f_back is not None else 2
    with snapshot() as taken:
        words = ["paths", taken.path, hex(id(value)), "--top", str(chains), "--apart", str(apart)]
        try:
            answer, text = ask_in_words(*words)
        except Error as told:
            if told.exit_code != _NOT_FOUND:
                raise
            return _nothing(
                value,
                f"a {name} that one object alone holds is counted with its holder, and has no "
                "chain of its own",
            )
    try:
        rows = answer["chains"]
        return Why(
            type=name,
            address=id(value),
            retained_bytes=rows[0]["retained_bytes"] if rows else None,
            chains=[_chain(row) for row in rows],
            text=text,
        )
    except (KeyError, TypeError) as broken:
        raise Error(f"the executable gave no chains: {broken!r}") from broken
