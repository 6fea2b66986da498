"""The diagnosis as typed data: schema heaplens.diagnosis/1 (docs/diagnosis.md) with names."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from heaplens._error import Error


@dataclass(frozen=True)
class Step:
    """One object on the way from a root, and the edge that leads to it (None for the first)."""

    type: str | None
    edge: str | None
    name: str | None
    guilty: bool = False


@dataclass(frozen=True)
class Site:
    file: str | None
    line: int
    function: str | None
    objects: int
    bytes: int


@dataclass(frozen=True)
class Holder:
    name: str | None
    kind: str
    type: str | None


@dataclass(frozen=True)
class Finding:
    """One leak: what holds it, how it grows, what to change."""

    cause: str  # an id of `heaplens explain`
    confidence: str  # "certain", "strong" or "possible"
    fingerprint: str
    title: str
    holder: Holder
    path: list[Step]
    objects: int  # gained since the first snapshot
    bytes: int
    bytes_per_second: float | None
    objects_per_round: float | None
    bytes_per_round: float | None
    retained_objects: int
    retained_bytes: int
    allocated_at: list[Site]
    evidence: list[str]
    fix: str


@dataclass(frozen=True)
class Note:
    """What was seen and is no leak."""

    cause: str
    text: str


@dataclass(frozen=True)
class Diagnosis:
    """A verdict with what it rests on. str() says it as the terminal does."""

    verdict: str  # "leak", "no-leak" or "undecided"
    why: str | None
    findings: list[Finding]
    notes: list[Note]
    snapshots: int
    rounds: int | None
    seconds: float | None
    growth_explained: float | None
    data: dict[str, Any] = field(repr=False)  # all of it, as JSON has it
    text: str = field(repr=False)

    def __str__(self) -> str:
        return self.text

    @property
    def leaks(self) -> bool:
        return self.verdict == "leak"


def _finding(row: dict[str, Any]) -> Finding:
    growth, retained = row["growth"], row["retained"]
    return Finding(
        cause=row["cause"],
        confidence=row["confidence"],
        fingerprint=row["fingerprint"],
        title=row["title"],
        holder=Holder(**{name: row["holder"][name] for name in ("name", "kind", "type")}),
        path=[
            Step(type=s["type"], edge=s["edge"], name=s["name"], guilty=s["guilty"])
            for s in row["path"]
        ],
        objects=growth["objects"],
        bytes=growth["bytes"],
        bytes_per_second=growth["per_second"],
        objects_per_round=growth["per_round"],
        bytes_per_round=growth.get("bytes_per_round"),
        retained_objects=retained["objects"],
        retained_bytes=retained["bytes"],
        allocated_at=[
            Site(**{name: s[name] for name in ("file", "line", "function", "objects", "bytes")})
            for s in row["allocated_at"]
        ],
        evidence=list(row["evidence"]),
        fix=row["fix"],
    )


def diagnosis(answer: Any, text: str) -> Diagnosis:
    """What `diagnose --json` said, and the same in words."""
    try:
        observed = answer["observed"]
        return Diagnosis(
            verdict=answer["verdict"],
            why=answer["why"],
            findings=[_finding(row) for row in answer["findings"]],
            notes=[Note(cause=n["cause"], text=n["text"]) for n in answer["notes"]],
            snapshots=observed["snapshots"],
            rounds=observed["rounds"],
            seconds=observed["seconds"],
            growth_explained=observed["growth_explained"],
            data=answer,
            text=text,
        )
    except (KeyError, TypeError) as why:
        raise Error(f"the executable gave no diagnosis: {why!r}") from why
