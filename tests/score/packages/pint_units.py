"""pint keeps what it has worked out for each unit expression it was ever given.
Proper use: few expressions."""
import sys

import pint

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
registry = pint.UnitRegistry()


def convert(number):
    power = number % 40 if PROPER else number
    return registry.parse_units(f"meter ** {power} / second ** {power + 1}").dimensionality is not None


print(sum(convert(n) for n in range(1, 1 + int(3500 * SIZE))))
