"""Leak: each warning has a text of its own, and the module remembers all it has shown."""
import warnings

warnings.simplefilter("default")
warnings.showwarning = lambda *rest, **named: None


def load(number):
    warnings.warn("record %d has no title and will be called 'untitled'" % number)
    return number % 3


print(sum(load(number) + sum(i * i for i in range(200)) % 2 for number in range(30_000)))
