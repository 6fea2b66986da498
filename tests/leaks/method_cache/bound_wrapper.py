"""Leak: a decorator of one's own binds like a method; its table, in a slot, is keyed by all arguments."""
import collections
import functools


class Remembered:
    __slots__ = ("function", "table", "limit")

    def __init__(self, function, limit):
        self.function, self.limit = function, limit
        self.table = collections.OrderedDict()

    def __get__(self, owner, kind=None):
        return self if owner is None else functools.partial(self, owner)

    def __call__(self, *arguments):
        found = self.table.get(arguments)
        if found is None:
            found = self.table[arguments] = self.function(*arguments)
            if self.limit is not None and len(self.table) > self.limit:
                self.table.popitem(last=False)
        return found


class Ticket:
    def __init__(self, number):
        self.number = number
        self.log = bytearray(1500)

    def price(self, currency):
        return self.number * len(currency) + 1

    price = Remembered(price, None)


def main():
    total = 0
    for number in range(9_000):
        total += Ticket(number).price("EUR")
        sum(i * i for i in range(600))
    print(total)


main()
