"""functools.singledispatchmethod of 3.13.0 remembers a method for each instance in a weak dict whose
values hold the key (python/cpython#127750)."""
import functools
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Visitor:
    def __init__(self, number):
        self.seen = [f"visited {number} {n}" for n in range(20)]

    @functools.singledispatchmethod
    def visit(self, node):
        return str(node)

    @visit.register
    def _(self, node: int):
        return f"int {node}"


def walk(number):
    visitor = Visitor(number)
    return sum(len(visitor.visit(n)) for n in (number, "text", 1.5)) + len(visitor.seen)


print(sum(walk(n) for n in range(int(20_000 * SIZE))))
