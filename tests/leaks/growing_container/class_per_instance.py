"""Leak: objects of a kind that gets a class of its own for each one (to hang special methods on) are
kept: it is they who are kept, and nobody who keeps them makes classes."""


class Double:
    """Stands in for anything."""

    def __new__(cls, number):
        own = type(cls.__name__, (cls,), {"__doc__": cls.__doc__})
        return object.__new__(own)

    def __init__(self, number):
        self.number = number
        type(self).__len__ = lambda self: self.number


asked = []


def check(number):
    double = Double(number)
    asked.append(double)
    return len(double) + sum(i * i for i in range(1_500)) % 3


print(sum(check(number) for number in range(4_000)))
