"""simplejson 3.20.2 loses an item for each key it skips (simplejson/simplejson#352)."""
import sys

import simplejson

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
print(sum(len(simplejson.dumps({(n,): "x" * 300 + str(n), "a": 1}, skipkeys=True, sort_keys=True))
          for n in range(int(30_000 * SIZE))))
