"""Leak: a decorator keeps an object of its own, and that object the arguments; run as a package."""
from .spans import span


@span
def store(payload):
    return len(payload)


total = 0
for number in range(12_000):
    total += store(bytearray(600 + number % 7)) + sum(i * i for i in range(800)) % 2
print(total)
