"""Healthy: cached methods as they should be: per instance, or bounded to a few, or on one object."""
import functools


class Report:
    def __init__(self, number):
        self.rows = [number + i for i in range(100)]

    @functools.cached_property
    def total(self):
        return sum(self.rows)

    @functools.lru_cache(maxsize=16)
    def scaled(self, factor):
        return self.total * factor


class Rates:
    @functools.lru_cache(maxsize=256)
    def of(self, currency):
        return len(currency) * 3


rates = Rates()
answer = 0
for number in range(12_000):
    report = Report(number)
    answer += report.scaled(2) + report.total + rates.of("C%d" % (number % 200))
    answer += sum(i * i for i in range(600)) % 2
print(answer)
