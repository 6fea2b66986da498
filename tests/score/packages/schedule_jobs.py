"""The schedule package keeps a job until it is cancelled. Proper use: clear() by tag, or a job that
returns CancelJob."""
import sys

import schedule

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def remind(order):
    return len(order["lines"])


def handle(number):
    order = {"id": number, "lines": [f"line {n}" for n in range(10)]}
    schedule.every(2).hours.do(remind, order).tag(f"order {number}")
    if PROPER:
        schedule.clear(f"order {number}")
    return sum(n * n for n in range(300)) % 3


print(sum(handle(n) for n in range(int(12_000 * SIZE))))
