"""Leak: a local of main() has a method that would write its rows out, which nobody ever calls."""


class Ledger:
    def __init__(self):
        self._rows = []

    def book(self, number):
        self._rows.append({"number": number, "text": "entry %d" % number, "parts": [number] * 12})
        return sum(i * i for i in range(300)) % 7

    def __len__(self):
        return len(self._rows)

    def dump(self):
        return "\n".join(row["text"] for row in self._rows)


def main():
    ledger = Ledger()
    check = 0
    for number in range(40_000):
        check += ledger.book(number)
    print(check, len(ledger))


main()
