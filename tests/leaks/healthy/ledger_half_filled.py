"""A ledger that nobody writes out, filled in the first third of the run and then only asked."""


class Ledger:
    def __init__(self):
        self._rows = []

    def book(self, number):
        self._rows.append({"number": number, "text": "entry %d" % number, "parts": [number] * 12})

    def row(self, number):
        return self._rows[number % len(self._rows)]

    def dump(self):
        return "\n".join(row["text"] for row in self._rows)


def main():
    ledger = Ledger()
    for number in range(12_000):
        ledger.book(number)
    check = 0
    for number in range(60_000):
        check += sum(part % 7 for part in ledger.row(number)["parts"])
    print(check)


main()
