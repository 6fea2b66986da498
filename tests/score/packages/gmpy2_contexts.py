"""gmpy2 2.2.1 loses a token of its context variable for each `with context()` (gmpy2#515)."""
import sys

import gmpy2

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


def root(number):
    with gmpy2.context(precision=80 + number % 60):
        return float(gmpy2.sqrt(number))


print(round(sum(root(number) for number in range(int(120_000 * SIZE)))))
