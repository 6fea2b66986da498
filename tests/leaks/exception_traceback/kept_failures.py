"""Leak: failures are kept "for later"; each keeps the frames it passed and their locals."""

failures = []


def parse(text):
    work = [text] * 100
    return int(work[0])


def attempt(number):
    try:
        return parse("number %d" % number)
    except ValueError as problem:
        failures.append(problem)
        return sum(i * i for i in range(600)) % 2


print(sum(attempt(number) for number in range(15_000)))
