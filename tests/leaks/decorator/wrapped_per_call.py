"""Leak: every request decorates its own inner function, and the wrappers are kept in a table."""
import functools


def retried(function):
    @functools.wraps(function)
    def attempt():
        for _ in range(3):
            try:
                return function()
            except ValueError:
                continue
        return None

    return attempt


running = {}


def serve(number):
    rows = [number + i for i in range(60)]

    @retried
    def load():
        return sum(rows)

    running[number] = load
    return load() + sum(i * i for i in range(600)) % 2


print(sum(serve(number) for number in range(9_000)))
