"""PyMongo 4.1.0 loses the options of each bson.decode_all() (PYTHON-3222)."""
import sys

import bson

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
stream = bson.encode({"name": "first", "size": 1}) * 3
print(sum(len(bson.decode_all(stream)) for _ in range(int(30_000 * SIZE))))
