"""json.dumps with indent leaves a cycle of closures each time (python/cpython#112706, gone in 3.13);
the collector is off. Proper use: no indent, so that the C encoder works."""
import gc
import json
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
gc.disable()


def dump(number):
    return len(json.dumps({"number": number, "values": list(range(20))}, indent=None if PROPER else 2))


print(sum(dump(n) for n in range(int(12_000 * SIZE))))
