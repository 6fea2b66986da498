"""A reader of main()'s that hands its table to a helper for every part, and reads all of it when the
last has come."""


class Reader:
    def __init__(self):
        self.parts = {}

    def read(self, number):
        return note(self.parts, number, "part %d " % number * 20)

    def text(self):
        return "".join(self.parts[number] for number in sorted(self.parts))


def note(table, number, text):
    table[number] = text
    return sum(i * i for i in range(400)) % 3


def main():
    reader = Reader()
    check = 0
    for number in range(16_000):
        check += reader.read(number)
    print(check, len(reader.text()))


main()
