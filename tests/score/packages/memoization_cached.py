"""memoization.cached without max_size has no limit. Proper use: max_size."""
import sys

from memoization import cached

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


@cached(max_size=400 if PROPER else None)
def describe(number, unit="kg"):
    return " ".join(f"{number} {unit} in box {n}" for n in range(40))


print(sum(len(describe(n, unit="lb")) for n in range(int(25_000 * SIZE))))
