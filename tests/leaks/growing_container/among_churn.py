"""Leak: ten times as much memory comes and goes as stays."""
import random

random.seed(3)
kept = []


def churn(number):
    rows = [{"number": i, "text": "x" * random.randrange(50)} for i in range(number % 40_000)]
    return len(rows)


def keep(number):
    for i in range(700):
        kept.append("entry %d of %d " % (i, number) * 6)


total = 0
for number in range(0, 2_000_000, 16_666):
    total += churn(number)
    keep(number)
print(total, len(kept))
