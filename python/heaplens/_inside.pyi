"""The extension: what happens inside this interpreter (src/inside/binding.c, watch.c)."""

from typing import Any

def mark() -> None: ...
def snapshot(
    path: str,
    *,
    reason: str = ...,
    append: bool = ...,
    program: str | None = ...,
) -> dict[str, Any]: ...
def watch_begin(
    path: str,
    program: str,
    *,
    max_snapshots: int = ...,
    interval_ms: int = ...,
    thread: bool = ...,
) -> object: ...
def watch_look(handle: object, reason: str, /) -> None: ...
def watch_round(handle: object, /) -> None: ...
def watch_end(handle: object, /) -> None: ...
def watch_state(handle: object, /) -> dict[str, Any]: ...
