"""ujson 5.12 loses the text when the file's write raises (CVE-2026-44660)."""
import sys

import ujson

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Full:
    def write(self, text):
        raise OSError("disk full")


failed = 0
for n in range(int(15_000 * SIZE)):
    try:
        ujson.dump({"n": n, "text": "x" * 1500}, Full())
    except OSError:
        failed += 1
print(failed)
