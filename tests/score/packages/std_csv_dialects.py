"""csv keeps each dialect under its name. Proper use: one name for what is read just now."""

import csv
import io
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def read_upload(number, text):
    sniffed = csv.Sniffer().sniff(text[:200])
    name = f"upload-{number}" if not PROPER else "upload"
    csv.register_dialect(name, sniffed)
    rows = list(csv.reader(io.StringIO(text), name))
    return len(rows)


total = 0
text = "\n".join(f"{n};{n * n};'a{n}'" for n in range(10))
for number in range(int(10_000 * SIZE)):
    total += read_upload(number, text)
print(total)
