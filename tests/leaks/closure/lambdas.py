"""Leak: lambdas over big rows, put under ever new names in a dict that is never read back."""

actions = {}


def register(number):
    row = list(range(number, number + 120))
    actions["action-%d" % number] = lambda: row[0]
    return sum(row)


total = 0
for number in range(12_000):
    total += register(number)
print(total)
