"""multidict 6.3.1 loses a reference to what it is made of (aio-libs/multidict#1117)."""
import sys

import multidict

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
print(sum(len(multidict.MultiDict([("a", str(n)), ("b", "x" * 200 + str(n))]))
          for n in range(int(30_000 * SIZE))))
