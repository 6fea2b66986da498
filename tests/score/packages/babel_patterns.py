"""Babel 2.11 keeps each date pattern it has parsed in a plain dict (python-babel/babel#962)."""
import datetime
import sys

from babel.dates import format_datetime

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
now = datetime.datetime(2024, 5, 6, 7, 8, 9)


def line(number):
    return len(format_datetime(now, f"yyyy-MM-dd 'order {number} of this month and this shop' HH:mm", locale="en"))


print(sum(line(n) for n in range(int(25_000 * SIZE))))
