"""Leak: a cached method under a second decorator; run as a package."""
from .model import Customer

total = 0
for number in range(8_000):
    total += Customer(number).balance(number % 12) + sum(i * i for i in range(1_000)) % 2
print(total)
