"""The reader of growing_container/site-packages/partkit, where all parts come."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "growing_container/site-packages"))
from partkit import Reader  # noqa: E402  (the path comes first)


def receive(reader, number):
    found = 0
    for part in range(3):
        found += reader.read(number, part, "part %d of %d " % (part, number) * 20) is not None
    return found + sum(i * i for i in range(400)) % 3


def main():
    reader = Reader()
    print(sum(receive(reader, number) for number in range(9_000)))


main()
