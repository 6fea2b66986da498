"""Leak, run as a package: trees are dropped, but parent links close cycles and nobody collects."""
import gc

from . import tree


def main():
    gc.disable()
    total = 0
    for number in range(6_000):
        total += tree.grow(number)
        total += sum(i * i for i in range(800)) % 5
    print(total)


main()
