"""Leak: each plug-in wraps the handler there is in a partial, and none is ever taken out again."""
import functools


class Site:
    def __init__(self):
        self.respond = lambda request: request

    def plug(self, options):
        self.respond = functools.partial(answer, self.respond, options=options)


def answer(inner, request, options):
    return inner(request) if options else request


def main():
    site = Site()
    total = 0
    for number in range(6_000):
        site.plug(bytearray(1_500))
        total += sum(i * i for i in range(700)) % 3
    print(total, callable(site.respond))


main()
