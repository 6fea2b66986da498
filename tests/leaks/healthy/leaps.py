"""Decoy: the heap makes two leaps, a table loaded early and one loaded late; else it stays."""
import collections

recent = collections.deque(maxlen=50)
tables = {}


def load(name, size):
    tables[name] = {n: f"{name} {n} " * 4 for n in range(size)}


def handle(number):
    recent.append({"number": number, "body": "x" * 900 + str(number)})
    return sum(i * i for i in range(1_200)) % 7


def main():
    total = 0
    for number in range(9_000):
        if number in (1_000, 6_500):
            load(f"table{number}", 20_000)
        total += handle(number)
    print(total + sum(map(len, tables.values())))


main()
