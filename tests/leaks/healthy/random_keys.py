"""Decoy: a memo over 2000 possible keys asked at random: most come early."""
import random

random.seed(8)
known = {}


def lookup(code):
    if code not in known:
        known[code] = ["entry %d of %d" % (i, code) for i in range(60)]
    return known[code]


total = 0
for _ in range(100_000):
    total += len(lookup(random.randrange(2_000))) + sum(i for i in range(60)) % 2
print(total)
