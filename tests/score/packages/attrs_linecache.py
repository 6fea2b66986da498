"""attrs 21.2 puts the source of each class it makes into linecache under a new name, for good
(python-attrs/attrs#828)."""
import sys

import attr

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def record(number):
    made = attr.make_class("Record", [f"field_{n}" for n in range(8)])
    return len(repr(made(*range(8))))


print(sum(record(n) for n in range(int(700 * SIZE))))
