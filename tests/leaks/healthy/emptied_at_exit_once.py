"""Decoy: the documents of a project are opened at the start and closed by an exit handler."""
import atexit


class Document:
    open_ones = {}

    def __init__(self, number):
        self.number = number
        self.lines = [f"line {n} of {number}" for n in range(12)]
        Document.open_ones[number] = self

    def length(self):
        return sum(map(len, self.lines))

    @classmethod
    def close_all(cls):
        for document in list(cls.open_ones.values()):
            document.lines.clear()
        cls.open_ones.clear()


atexit.register(Document.close_all)


def main():
    for number in range(3_000):
        Document(number)
    total = 0
    for number in range(12_000):
        total += Document.open_ones[number % 3_000].length() + sum(i * i for i in range(1_200)) % 3
    print(total)


main()
