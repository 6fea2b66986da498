"""Leak: the cache has a bound, but one far beyond what the program can afford in dead objects."""
import functools


class Query:
    def __init__(self, text):
        self.text = text
        self.plan = [text + " step %d" % i for i in range(12)]

    @functools.lru_cache(maxsize=200_000)
    def cost(self, scale):
        return scale * sum(len(step) for step in self.plan)


total = 0
for number in range(9_000):
    total += Query("select %d" % number).cost(3) + sum(i * i for i in range(1_200)) % 2
print(total)
