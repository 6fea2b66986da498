"""The reader of growing_container/parts_that_never_come.py, where all parts come."""
import collections


class Reader:
    def __init__(self):
        self.parts = collections.defaultdict(list)

    def read(self, message, part, text):
        return assemble(self.parts, message, part, text)


def assemble(table, message, part, text):
    waiting = table[message]
    waiting.append((part, text))
    if len(waiting) < 3:
        return None
    del table[message]
    return "".join(text for _, text in sorted(waiting))


def receive(reader, number):
    found = 0
    for part in range(3):
        found += reader.read(number, part, "part %d of %d " % (part, number) * 20) is not None
    return found + sum(i * i for i in range(400)) % 3


def main():
    reader = Reader()
    print(sum(receive(reader, number) for number in range(9_000)))


main()
