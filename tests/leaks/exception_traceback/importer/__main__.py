"""Leak: a package whose error reports keep the exceptions, and with them what was being read."""
from . import errors


def read(number):
    document = ["line %d of %d" % (line, number) for line in range(20)]
    return document.index("the end")


def main():
    total = 0
    for number in range(4_000):
        try:
            total += read(number)
        except ValueError as problem:
            errors.report(number, problem)
        total += sum(i * i for i in range(1_500)) % 7
    print(total, len(errors.REPORTS))


main()
