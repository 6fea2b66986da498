"""croniter 6.0 keeps each expression it has parsed (pallets-eco/croniter#195).
Proper use: few expressions."""
import datetime
import sys

from croniter import croniter

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
start = datetime.datetime(2024, 1, 1)


def following(number):
    if PROPER:
        number %= 50
    text = f"{number % 60} {number // 60 % 24} {number // 1440 % 28 + 1} {number // 40320 % 12 + 1} *"
    if not PROPER:
        text += f" {number % 60}"
    return croniter(text, start).get_next(datetime.datetime).minute


print(sum(following(n) for n in range(int(6000 * SIZE))))
