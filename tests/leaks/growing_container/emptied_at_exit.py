"""Leak: every document opened stays in the class's table; only an exit handler closes them."""
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


def handle(number):
    return Document(number).length() + sum(i * i for i in range(1_200)) % 3


def main():
    print(sum(handle(number) for number in range(9_000)))


main()
