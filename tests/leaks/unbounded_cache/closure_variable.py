"""Leak: a hand-written memo decorator; its dict lives in a cell of the wrapper."""
import functools


def remember(function):
    answers = {}

    @functools.wraps(function)
    def asked(*question):
        if question not in answers:
            answers[question] = function(*question)
        return answers[question]

    return asked


@remember
def spell(number):
    return ["digit %s" % digit for digit in str(number)]


def main():
    total = 0
    for number in range(1_000_000, 1_030_000):
        total += len(spell(number)) + sum(i for i in range(200)) % 2
    print(total)


main()
