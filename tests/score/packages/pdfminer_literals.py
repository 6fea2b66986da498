"""pdfminer interns each name of each document it reads in a table that is never emptied.
Proper use: documents that share their names."""
import io
import sys

from pdfminer.psparser import PSEOF, PSStackParser

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Names(PSStackParser):
    def flush(self):
        self.add_results(*self.popall())


def document(number):
    if PROPER:
        number %= 5
    text = " ".join(f"/Font{number}x{n} {n}" for n in range(60)).encode() + b" "
    parser, count = Names(io.BytesIO(text)), 0
    try:
        while True:
            parser.nextobject()
            count += 1
    except PSEOF:
        return count


print(sum(document(n) for n in range(int(700 * SIZE))))
