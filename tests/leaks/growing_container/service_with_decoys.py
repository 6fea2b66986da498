"""Leak: one list on a class, among a full cache, a ring, tables built once and the library's own
caches."""
import collections
import functools
import re

last_bodies = collections.deque(maxlen=1_500)
tables = {}


class Gateway:
    _calls = []

    def call(self, number):
        record = {"number": number, "route": "/thing/%d" % number, "body": "z" * 50}
        self._calls.append(record)
        return record


@functools.lru_cache(maxsize=3_000)
def label(number):
    return ["label %d" % number] * 6


def table(name):
    if name not in tables:
        tables[name] = {number: hex(number) for number in range(15_000)}
    return tables[name]


def serve(gateway, number):
    gateway.call(number)
    label(number % 5_000)
    last_bodies.append(bytearray(250))
    table("hex")
    re.search("x%dy" % (number % 250), "straw" * 40)
    sum(i * i for i in range(200))


def main():
    gateway = Gateway()
    for number in range(40_000):
        serve(gateway, number)
    print(len(Gateway._calls))


main()
