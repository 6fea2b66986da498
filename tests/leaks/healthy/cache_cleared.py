"""Twin of unbounded_cache: functools.cache, emptied after each batch."""
import functools


@functools.cache
def distance(start, end):
    return {"start": start, "end": end, "km": abs(start - end)}


def batch(first):
    total = sum(distance(number, number % 100)["km"] for number in range(first, first + 4_000))
    distance.cache_clear()
    return total


print(sum(batch(first) for first in range(0, 800_000, 4_000)))
