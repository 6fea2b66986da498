"""Leak: setdefault() looks up and stores at once."""
interned = {}


def intern(row):
    return interned.setdefault(row, row)


def main():
    total = 0
    for number in range(60_000):
        row = ("row", number, "name of row %d" % number * 4)
        total += len(intern(row))
        total += sum(i for i in range(200)) % 2
    print(total, len(interned))


main()
