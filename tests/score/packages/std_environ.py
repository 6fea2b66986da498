"""os.environ[name] = value: glibc keeps every string it ever set."""
import os
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
for n in range(int(40_000 * SIZE)):
    os.environ["TRACE_ID"] = ("" if PROPER else f"{n:06d}") + "x" * 200
print("set")
