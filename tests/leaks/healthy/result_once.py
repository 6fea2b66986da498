"""Decoy: a big result is built in a local, returned, summed, dropped; several times."""


def build(size):
    result = []
    for number in range(size):
        result.append((number, "name %d" % number))
    return result


total = 0
for size in (40_000, 60_000, 20_000, 80_000, 30_000, 60_000, 50_000):
    total += sum(len(name) for _, name in build(size))
print(total)
