"""Leak: a log is written to a text stream in memory, which nobody ever cuts."""
import io

trail = io.StringIO()


def note(number, text):
    trail.write("request %d: " % number)
    trail.write(text)
    trail.write("\n")


def handle(number):
    note(number, "somebody asked for /item/%d, and got it " % number * 6)
    return sum(i * i for i in range(700)) % 3


def main():
    print(sum(handle(number) for number in range(9_000)))


main()
