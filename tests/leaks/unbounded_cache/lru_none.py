"""Leak: lru_cache without a size, asked about something new each time."""
import functools


@functools.lru_cache(maxsize=None)
def describe(number):
    return ["fact %d about %d" % (i, number) for i in range(6)]


def main():
    total = 0
    for number in range(30_000):
        total += len(describe(number)) + sum(i * i for i in range(150)) % 2
    print(total)


main()
