"""An object array in a cycle: ndarray takes no part in garbage collection (numpy/numpy#6581).
Proper use: a list."""
import sys

import numpy as np

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Cell:
    def __init__(self, number):
        self.payload = f"cell {number} " * 60
        self.neighbours = [None] * 4 if PROPER else np.empty(4, dtype=object)
        self.neighbours[0] = self


def step(number):
    cell = Cell(number)
    return len(cell.payload) + int(np.arange(200).sum())


print(sum(step(n) for n in range(int(40_000 * SIZE))))
