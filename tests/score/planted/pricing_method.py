"""Quotes: a pricing method is memoized with lru_cache, and each quote has a pricing of its own."""
import functools
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Pricing:
    def __init__(self, rng):
        self.curve = [rng.random() for _ in range(400)]
        self.fees = {f"fee {n}": rng.random() for n in range(20)}

    @functools.lru_cache(maxsize=None)
    def discount(self, days):
        return sum(self.curve[:days]) / days

    def total(self, days, amount):
        return amount * self.discount(days) + sum(self.fees.values())


def quote(rng):
    pricing = Pricing(rng)
    return sum(pricing.total(rng.randrange(1, 400), 10) for _ in range(25))


rng = random.Random(8)
print(sum(quote(rng) > 0 for _ in range(int(4000 * SIZE))))
