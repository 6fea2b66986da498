"""Leak, run as a package: the list lives in another module than the loop."""
from . import store


def main():
    total = 0
    for number in range(50_000):
        store.write({"number": number, "text": "entry %d " % number * 8})
        total += sum(i * i for i in range(320)) % 2
    print(total)


main()
