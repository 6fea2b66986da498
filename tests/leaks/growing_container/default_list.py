"""Leak: the list in the default argument is one list for all calls."""


def collect(number, found=[]):
    found.append("finding number %d " % number * 12)
    return len(found)


total = 0
for number in range(70_000):
    total += collect(number) + sum(i for i in range(60)) % 2
print(total)
