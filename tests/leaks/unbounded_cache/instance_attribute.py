"""Leak: a repository object memoises rows in a dict of its own."""


class Repository:
    def __init__(self):
        self.rows = {}
        self.misses = 0

    def load(self, number):
        self.misses += 1
        return {"number": number, "name": "row %d" % number, "blob": bytearray(200)}

    def row(self, number):
        row = self.rows.get(number)
        if row is None:
            row = self.rows[number] = self.load(number)
        return row


repository = Repository()


def main():
    total = 0
    for number in range(40_000):
        total += len(repository.row(number)["name"]) + sum(i for i in range(200)) % 2
    print(total, repository.misses)


main()
