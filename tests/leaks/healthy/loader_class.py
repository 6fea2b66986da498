"""Decoy: an index is read in once by an object and asked afterwards."""


class Index:
    def __init__(self):
        self.words = {}

    def read(self, number):
        self.words["word%d" % number] = [number, number + 1, "text of %d" % number]

    def ask(self, number):
        return self.words["word%d" % number][1]


def main():
    index = Index()
    for number in range(60_000):
        index.read(number)
    total = 0
    for again in range(40):
        for number in range(again, 60_000, 2):
            total += index.ask(number)
    print(total)


main()
