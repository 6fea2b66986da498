"""Decoy: data sets of different size replace each other in one global."""
current = None


def load(size):
    return [{"number": number, "name": "row %d" % number} for number in range(size)]


total = 0
for size in (20_000, 45_000, 10_000, 50_000, 25_000, 48_000, 15_000):
    current = load(size)
    for _ in range(10):
        total += sum(len(row["name"]) for row in current)
print(total)
