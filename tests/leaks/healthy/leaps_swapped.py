"""The heap leaps each time a table is loaded, and falls when the one before is dropped."""
tables = {}


def load(name, size):
    tables.clear()
    tables[name] = {n: f"{name} {n} " * 4 for n in range(size)}


def handle(number):
    return sum(i * i for i in range(1_200)) % 7


def main():
    total = 0
    for number in range(9_000):
        if number % 1_500 == 0:
            load(f"table{number}", 20_000 + number * 11 % 4_999)
        total += handle(number)
    print(total + sum(map(len, tables.values())))


main()
