"""Decoy: a third of the run fills a million rows, the rest uses them."""
rows = []


def load(count):
    for number in range(count):
        rows.append((number, number * 3 % 1_000, None))


def use():
    return sum(row[1] for row in rows)


for _ in range(100):
    load(10_000)
total = 0
for _ in range(30):
    total += use()
print(len(rows), total)
