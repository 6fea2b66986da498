"""Leak: a memo decorator of one's own on a method; the arguments it keeps begin with self."""
import functools


def remember(function):
    answers = {}

    @functools.wraps(function)
    def ask(*arguments):
        if arguments not in answers:
            answers[arguments] = function(*arguments)
        return answers[arguments]

    return ask


class Route:
    def __init__(self, number):
        self.stops = [number * i % 977 for i in range(150)]

    @remember
    def length(self, start):
        return sum(self.stops[start:])


total = 0
for number in range(9_000):
    total += Route(number).length(0) + sum(i * i for i in range(800)) % 2
print(total)
