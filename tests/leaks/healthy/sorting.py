"""Decoy: one big list, sorted over and over by different keys."""
import random

random.seed(5)
numbers = [random.randrange(10 ** 9) for _ in range(120_000)]
best = 0
for factor in (3, 7, 11, 13, 17, 19, 23, 29):
    numbers.sort(key=lambda number: number * factor % 1_000_003)
    best += numbers[factor]
print(best)
