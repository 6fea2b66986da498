"""ujson 5.11 loses a buffer for each integer beyond 64 bits."""
import sys

import ujson

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
print(sum(len(str(ujson.loads("1" * 300))) for _ in range(int(30_000 * SIZE))))
