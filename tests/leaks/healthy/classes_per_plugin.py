"""Healthy decoy: a class is made for each of 150 plugins at the start, and kept; the work uses them."""
import functools


class Base:
    known = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Base.known[cls.__name__] = cls


def plugin(number):
    def run(self, value):
        return value * number + len(self.table)

    return type("Plugin%d" % number, (Base,), {"run": run, "table": list(range(1_000))})


plugins = [plugin(number) for number in range(150)]


@functools.lru_cache(maxsize=32)
def record_class(fields):
    return type("Record", (), {"fields": fields, "size": lambda self: len(self.fields)})


def main():
    total = 0
    for number in range(30_000):
        total += plugins[number % 150]().run(number) + record_class((number % 20,))().size()
        total += sum(i * i for i in range(300)) % 2
    print(total)


main()
