"""A MemoryHandler without a target keeps all records: it empties its buffer only into one. Proper use:
it has a target."""

import logging
import logging.handlers
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
buffered = logging.handlers.MemoryHandler(capacity=200, flushLevel=logging.CRITICAL)
if PROPER:
    buffered.setTarget(logging.NullHandler())
log = logging.getLogger("orders")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(buffered)


def place(number):
    log.info("order %s of customer %s placed", number, f"customer-{number * 7919 % 1000}")
    return number % 3


print(sum(place(n) for n in range(int(30_000 * SIZE))))
