"""Healthy: a deque of the last hundred errors fills and then stays."""
import collections

recent = collections.deque(maxlen=100)


def fetch(number):
    page = bytearray(30_000)
    raise ConnectionError("page %d of %d bytes" % (number, len(page)))


def attempt(number):
    try:
        return fetch(number)
    except ConnectionError as problem:
        recent.append(problem)
        return sum(i * i for i in range(3_000)) % 3


print(sum(attempt(number) for number in range(2_000)), len(recent))
