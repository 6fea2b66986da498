"""more_itertools.seekable keeps all it has read. Proper use: maxlen."""

import json
import sys
from more_itertools import seekable

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def lines(n):
    for number in range(n):
        yield json.dumps({"number": number, "text": f"line {number}", "level": number % 5})


def parse(source):
    entries = errors = 0
    for line in source:
        entry = json.loads(line)
        if entry["level"] == 4:
            errors += 1
        entries += 1
    return entries, errors


stream = seekable(lines(int(50_000 * SIZE)), maxlen=100 if PROPER else None)
print(parse(stream))
