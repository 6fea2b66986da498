"""Decoy: a memo without a limit over keys that have one; full after the first tenth of the run."""
known = {}


def lookup(code):
    if code not in known:
        known[code] = ["entry %d of %d" % (i, code) for i in range(60)]
    return known[code]


total = 0
for number in range(200_000):
    total += len(lookup(number * 7_919 % 3_000)) + sum(i for i in range(60)) % 2
print(total)
