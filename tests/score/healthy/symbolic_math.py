"""Symbolic mathematics with sympy, whose caches are large and bounded: new functions all the time."""
import sys

import sympy

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
x, y = sympy.symbols("x y")


def problem(number):
    f = sympy.Function(f"f{number}")
    slope = sympy.diff(f(x) * x ** (number % 5) + number * y, x)
    expanded = sympy.expand((x + number % 7) ** 3 * (y - 2))
    root = sympy.solve(x ** 2 - (number % 50) ** 2, x)
    return len(str(slope)) + len(expanded.args) + len(root)


print(sum(problem(n) for n in range(int(700 * SIZE))) > 0)
