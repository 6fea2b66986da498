"""dateparser with a RELATIVE_BASE of now: one Settings object for each value, in a registry on its class.
Proper use: a base that is the same for the batch."""
import datetime
import sys

import dateparser

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
base = datetime.datetime(2024, 5, 6)


def when(number):
    settings = {"RELATIVE_BASE": base if PROPER else base + datetime.timedelta(seconds=number)}
    return dateparser.parse("2 hours ago", languages=["en"], settings=settings).hour


print(sum(when(n) for n in range(int(3000 * SIZE))))
