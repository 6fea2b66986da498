"""Healthy: of all failures only the last is kept, frames and all."""

last_error = None


def parse(text):
    work = [text] * 100
    return int(work[0])


def attempt(number):
    global last_error
    try:
        return parse("number %d" % number)
    except ValueError as problem:
        last_error = problem
        return sum(i * i for i in range(600)) % 2


print(sum(attempt(number) for number in range(10_000)), last_error is not None)
