"""The extension: what happens inside this interpreter (src/inside/binding.c)."""

from typing import Any

def snapshot(
    path: str,
    *,
    reason: str = ...,
    append: bool = ...,
    program: str | None = ...,
) -> dict[str, Any]: ...
