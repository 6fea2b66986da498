"""Leak: all is well for the first half; then a switch is turned and the log grows."""
log = []


def handle(number, verbose):
    text = "request %d" % number
    if verbose:
        log.append(text * 12)
    return len(text) + sum(i * i for i in range(120)) % 2


total = 0
for number in range(120_000):
    total += handle(number, number > 60_000)
print(total)
