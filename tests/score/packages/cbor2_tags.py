"""cbor2 5.4.4 loses a tuple in the repr and the hash of a tag."""
import sys

import cbor2

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
print(sum(hash(cbor2.CBORTag(4000, n)) != 0 for n in range(int(100_000 * SIZE))))
