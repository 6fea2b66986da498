"""Twin of unbounded_cache: lru_cache with a size that is soon full."""
import functools


@functools.lru_cache(maxsize=2_000)
def describe(number):
    return ["fact %d about %d" % (i, number) for i in range(6)]


print(sum(len(describe(number)) for number in range(250_000)))
