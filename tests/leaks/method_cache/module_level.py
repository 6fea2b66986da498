"""Leak: an lru_cache without a bound on a method; each request makes an object and asks it once."""
import functools


class Invoice:
    def __init__(self, number):
        self.number = number
        self.lines = ["line %d of %d" % (i, number) for i in range(10)]

    @functools.lru_cache(maxsize=None)
    def total(self, currency):
        return sum(len(line) for line in self.lines) * len(currency)


def handle(number):
    return Invoice(number).total("EUR") + sum(i * i for i in range(1_000)) % 2


print(sum(handle(number) for number in range(12_000)))
