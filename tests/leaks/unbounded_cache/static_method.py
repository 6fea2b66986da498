"""Leak: functools.cache under staticmethod in a class."""
import functools


class Geometry:
    @staticmethod
    @functools.lru_cache(None)
    def ring(number):
        return tuple((i, number * i) for i in range(20))


def main():
    geometry = Geometry()
    total = 0
    for number in range(1_000, 16_000):
        total += sum(a * b for a, b in geometry.ring(number) * 8)
    print(total)


main()
