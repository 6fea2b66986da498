"""Registers a class made for each table with functools.singledispatch: its registry keeps classes.
Proper use: one class, registered once."""
import functools
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


@functools.singledispatch
def export(value):
    return str(value)


class Row:
    def __init__(self, *values):
        self.values = values


@export.register
def _(row: Row):
    return ";".join(map(str, row.values))


def table(number):
    if PROPER:
        rows = [Row(number, n) for n in range(60)]
    else:
        made = type(f"Row{number}", (), {"__init__": lambda self, *v: setattr(self, "values", v)})
        export.register(made, lambda row: ";".join(map(str, row.values)))
        rows = [made(number, n) for n in range(60)]
    return sum(len(export(row)) for row in rows)


print(sum(table(n) for n in range(int(5000 * SIZE))))
