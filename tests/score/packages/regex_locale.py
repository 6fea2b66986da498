"""The regex package notes for each pattern text whether it depends on the locale, and never forgets.
Proper use: few patterns."""
import sys

import regex

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def found(number):
    if PROPER:
        number %= 100
    return bool(regex.search(rf"^(item|article) {number}(?: of {number + 1})? [a-z]{{2,5}}(?: with a rather long description that names number {number})?$",
                             f"article {number} abc"))


print(sum(found(n) for n in range(int(5000 * SIZE))))
