"""Leak, run as a package: the memo is private to another module."""
from . import users


def main():
    total = 0
    for number in range(50_000):
        total += len(users.user(number)["name"])
        total += sum(i for i in range(200)) % 2
    print(total)


main()
