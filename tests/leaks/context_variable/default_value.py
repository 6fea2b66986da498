"""Leak: the default of a context variable is one dict for everybody, and it gathers what they put."""
import contextvars


class Baggage:
    items = contextvars.ContextVar("items", default={})

    @classmethod
    def put(cls, key, value):
        cls.items.get()[key] = value


def request(number):
    Baggage.put(number, "value %d" % number + "-" * 600)
    return sum(i * i for i in range(1_500)) % 7


print(sum(request(number) for number in range(10_000)))
