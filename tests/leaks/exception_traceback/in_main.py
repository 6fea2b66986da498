"""Leak: two kinds of errors are gathered in a local list, each with the frames it went through."""


class Refused(Exception):
    pass


def fetch(number):
    page = bytearray(1_500)
    page[0] = number % 251
    if number % 2:
        raise Refused("page %d" % number)
    return {"first": page[0]}[number]


def attempt(number):
    return fetch(number)


def retry_later(failed, number):
    try:
        return attempt(number)
    except (Refused, KeyError) as problem:
        failed.append((number, problem))
        return sum(i * i for i in range(600)) % 3


def main():
    failed = []
    total = 0
    for number in range(6_000):
        total += retry_later(failed, number) or 0
    print(total, len(failed))


main()
