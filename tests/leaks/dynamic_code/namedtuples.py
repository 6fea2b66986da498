"""Leak: each answer gets a namedtuple class of its own, and the rows are kept in a local list."""
import collections


def read(number):
    row_class = collections.namedtuple("Row", "key value")
    return row_class(number, "value %d" % number)


def main():
    rows = []
    total = 0
    for number in range(3_500):
        rows.append(read(number))
        total += rows[-1].key % 7 + sum(i * i for i in range(1_500)) % 2
    print(total, len(rows))


main()
