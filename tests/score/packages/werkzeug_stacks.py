"""A LocalStack of werkzeug has a context variable, which stays in the context it was set in. Proper use:
one stack, made once."""

import sys
from werkzeug.local import LocalStack

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
shared = LocalStack()


def handle(number):
    trail = shared if PROPER else LocalStack()
    trail.push(
        {
            "request": number,
            "headers": [f"X-{n}: {number}" for n in range(12)],
            "work": sum(n * n for n in range(900)),
        }
    )
    size = len(trail.top["headers"])
    if PROPER:
        trail.pop()
    return size


print(sum(handle(n) for n in range(int(10_000 * SIZE))))
