"""A heap like a service's: records with attribute dicts, a slotted tree with parent links, nested
documents, handlers that close over records, and one long chain. Deterministic.

fill(n) returns a root that keeps about n objects alive.
"""

from __future__ import annotations

import random
from typing import Any, Callable

OBJECTS_PER_ORDER = 17.9  # counted: what one turn of fill()'s loop adds


class Order:
    def __init__(self, number: int, chance: random.Random) -> None:
        self.number = number
        self.customer = f"customer-{number}"
        self.lines = [f"line-{number}-{k}" for k in range(3)]
        self.document = {
            "total": chance.random(),
            "url": f"/orders/{number * 2654435761:x}",
            "extra": {"weight": number + 100_000, "box": [number, chance.random()]},
        }


class Region:
    __slots__ = ("__weakref__", "orders", "parent", "parts")

    def __init__(self, parent: Region | None, orders: Any) -> None:
        self.parent = parent
        self.parts: list[Region] = []
        self.orders = orders


class Step:
    def __init__(self, before: Step | None) -> None:
        self.before = before


def handler_for(order: Order) -> Callable[[], Order]:
    def handle() -> Order:
        return order

    return handle


def fill(n: int) -> dict[str, Any]:
    chance = random.Random(7)
    root: dict[str, Any] = {
        "orders": {},
        "handlers": [],
        "region": Region(None, None),
        "step": None,
    }
    open_regions = [root["region"]]
    for number in range(max(1, int(n / OBJECTS_PER_ORDER))):
        order = Order(number, chance)
        root["orders"][f"order-{number}"] = order
        parent = open_regions[number // 4]
        region = Region(parent, order if number % 2 else (number, order.customer))
        parent.parts.append(region)
        open_regions.append(region)
        if number % 16 == 0:
            root["handlers"].append(handler_for(order))
        if number % 64 == 0:
            root["step"] = Step(root["step"])
    return root
