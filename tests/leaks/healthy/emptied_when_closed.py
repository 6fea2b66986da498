"""Every document is in the class's table while it is open; an exit handler closes what is left."""
import atexit


class Document:
    open_ones = {}

    def __init__(self, number):
        self.number = number
        self.lines = [f"line {n} of {number}" for n in range(12)]
        Document.open_ones[number] = self

    def close(self):
        self.lines.clear()
        del Document.open_ones[self.number]

    @classmethod
    def close_all(cls):
        for document in list(cls.open_ones.values()):
            document.close()


atexit.register(Document.close_all)


def handle(number):
    document = Document(number)
    length = sum(map(len, document.lines)) + sum(i * i for i in range(1_200)) % 3
    document.close()
    return length


def main():
    print(sum(handle(number) for number in range(9_000)))


main()
