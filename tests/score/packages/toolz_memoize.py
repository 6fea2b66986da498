"""toolz.memoize has no limit. Proper use: functools.lru_cache with one."""
import functools
import sys

import toolz

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
memo = functools.lru_cache(maxsize=500) if PROPER else toolz.memoize


@memo
def profile(user):
    return {"user": user, "scores": [user * n % 101 for n in range(60)]}


def request(number):
    return sum(profile(number // 2)["scores"])


print(sum(request(n) for n in range(int(80_000 * SIZE))))
