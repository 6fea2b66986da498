"""Leak: a bounded lru_cache asked with objects that are new in each call and equal to no other."""
import functools


class Request:
    def __init__(self, number):
        self.path = "/page/%d" % number
        self.body = bytearray(900)


@functools.lru_cache(maxsize=100_000)
def route(request):
    return len(request.path)


def serve(number):
    return route(Request(number)) + sum(i * i for i in range(800)) % 2


print(sum(serve(number) for number in range(14_000)))
