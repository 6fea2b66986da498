"""array.array("u", "") loses a small buffer (python/cpython#140474)."""
import array
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
for n in range(int(400_000 * SIZE)):
    array.array("u", "") if not PROPER else array.array("b", b"")
print("made")
