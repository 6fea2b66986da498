"""itertools.tee: one of the two is read to the end, the other never, and all there was waits for it.
Proper use: both are read side by side."""
import itertools
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def orders():
    for number in itertools.count():
        yield {"id": number, "text": f"order {number}"}


def totals(stream):
    now, later = itertools.tee(stream)
    total = 0
    for order in now:
        total += len(order["text"])
        if PROPER:
            next(later)
        if order["id"] >= 300_000 * SIZE:
            return total
    return len(list(later))


print(totals(orders()))
