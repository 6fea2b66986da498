"""orjson 3.9.0 loses the exception that default() raised (its changelog, 3.9.1)."""
import sys

import orjson

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Money:
    pass


def default(value):
    raise ValueError("no way to write %r: %s" % (value, "-" * 400))


def attempt():
    try:
        return len(orjson.dumps({"price": Money()}, default=default))
    except TypeError:
        return 0


print(sum(attempt() for _ in range(int(25_000 * SIZE))))
