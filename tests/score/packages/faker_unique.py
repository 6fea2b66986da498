"""Faker's .unique remembers every value it has given out. Proper use: unique.clear() per batch."""
import sys

from faker import Faker

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
fake = Faker()
Faker.seed(1)


def person(number):
    return len(fake.unique.numerify("customer-%%%%%%%%%%%%%%")) + len(fake.unique.hexify("^" * 24))


total = 0
for n in range(int(25_000 * SIZE)):
    total += person(n)
    if PROPER and n % 500 == 0:
        fake.unique.clear()
print(total)
