"""adaptix keeps the source of each loader it compiles in linecache (reagento/adaptix#461). Proper use: one
Retort."""

import sys
from dataclasses import dataclass
from adaptix import Retort

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


@dataclass
class Order:
    number: int
    customer: str
    lines: list[int]


shared = Retort()


def handle(number):
    retort = shared if PROPER else Retort()
    order = retort.load({"number": number, "customer": f"c{number}", "lines": [1, 2]}, Order)
    return order.number % 2


print(sum(handle(n) for n in range(int((30_000 if PROPER else 400) * SIZE))))
