"""Decoy: a decorator applied once; the big list of each call dies with the call."""
import functools


def timed(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        return function(*args, **kwargs)

    return wrapper


@timed
def compute():
    large = [i for i in range(50_000)]
    return len(large)


print(sum(compute() for _ in range(400)))
