"""Decoy: exceptions by the ten thousand, the last hundred remembered as text."""
import collections
import traceback

last = collections.deque(maxlen=100)


def parse(text):
    work = [text] * 100
    return int(work[0])


def attempt(number):
    try:
        return parse("number %d" % number)
    except ValueError:
        last.append(traceback.format_exc())
        return 1


print(sum(attempt(number) for number in range(10_000)), len(last))
