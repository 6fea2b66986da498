"""Decoy: a text stream in memory is written at the start, and lines are read from it ever after."""
import io

words = io.StringIO()


def load():
    for number in range(60_000):
        words.write("word %d of a long list\n" % number)


def line_at(place):
    words.seek(place)
    return words.readline()


def main():
    load()
    total = 0
    for number in range(12_000):
        total += len(line_at(number * 7 % 5_000)) + sum(i * i for i in range(700)) % 3
    print(total)


main()
