"""dogpile.cache with the memory backend: expiry is looked at when a key is asked for, entries stay.
Proper use: a backend with a limit (here: few keys)."""
import sys

from dogpile.cache import make_region

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
region = make_region().configure("dogpile.cache.memory", expiration_time=1)


@region.cache_on_arguments()
def report(day, user):
    return [f"{day} {user} {n}" for n in range(30)]


print(sum(len(report(n % 7, n % 50 if PROPER else n // 2)) for n in range(int(10_000 * SIZE))))
