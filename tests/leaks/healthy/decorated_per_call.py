"""Healthy: each request decorates a function of its own, calls it, and lets it go."""
import collections
import functools


def retried(function):
    attempts = collections.deque(maxlen=20)

    @functools.wraps(function)
    def attempt(*arguments):
        attempts.append(arguments)
        return function(*arguments)

    return attempt


def serve(number):
    rows = [number + i for i in range(200)]

    @retried
    def load(factor):
        return sum(rows) * factor

    return load(2) + load(3)


print(sum(serve(number) + sum(i * i for i in range(500)) % 2 for number in range(12_000)))
