"""Healthy decoy: one long-lived service asks its cached method about 3,000 things, then again."""
import functools


class Catalogue:
    def __init__(self):
        self.asked = 0

    @functools.lru_cache(maxsize=None)
    def describe(self, number):
        return "item %d " % number * 60


catalogue = Catalogue()
size = 0
for number in range(40_000):
    size += len(catalogue.describe(number * 7919 % 3_000)) + sum(i * i for i in range(200)) % 2
print(size)
