"""Open: a table made by a loop at module level, for a function that nobody calls here."""
import json

SQUARES = {}
for number in range(40_000):
    SQUARES[number] = json.loads(json.dumps([number * number, "the square of %d" % number]))


def square(number):
    return SQUARES[number][0]
