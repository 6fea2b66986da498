"""Leak: the cached method stands in a base class, the objects are of a class that inherits it."""
import functools


class Shape:
    @functools.lru_cache(None)
    def area(self):
        return self.width * self.height


class Picture(Shape):
    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.pixels = bytearray(width * height)


def draw(number):
    return Picture(30, 20 + number % 5).area() + sum(i * i for i in range(800)) % 2


print(sum(draw(number) for number in range(14_000)))
