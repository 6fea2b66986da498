"""Decoy: ten tables, each built on first use within the first third, then read."""
tables = {}


def table(name):
    if name not in tables:
        tables[name] = {number: str(number) for number in range(15_000)}
    return tables[name]


total = 0
for number in range(30_000):
    name = "table%d" % min(number // 900, 9)
    total += len(table(name)[number % 15_000]) + sum(i for i in range(600)) % 2
print(total)
