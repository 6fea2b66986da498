"""A handler that is kept, and with it the rows it was made from."""

import sys
from collections.abc import Callable

import heaplens

handlers: dict[str, Callable[[], int]] = {}
Rows = list[bytearray]


def connect(name: str, rows: Rows) -> None:
    def handler() -> int:
        return len(rows)

    handlers[name] = handler


def load() -> Rows:
    rows = [bytearray(1000) for _ in range(2000)]
    connect("orders", rows)
    return rows


heaplens.graph(load(), sys.argv[1], overwrite=True)
