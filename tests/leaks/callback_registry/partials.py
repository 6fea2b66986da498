"""Leak: a bus keeps partials; what they were given stays with them."""
import functools


class Bus:
    def __init__(self):
        self.when_paid = []

    def paid(self, callback):
        self.when_paid.append(callback)


def notify(order, event):
    return order["id"], event


def main():
    bus = Bus()
    total = 0
    for number in range(12_000):
        order = {"id": number, "rows": ["row %d" % (number + i) for i in range(8)]}
        bus.paid(functools.partial(notify, order))
        total += len(order["rows"]) + sum(i * i for i in range(800)) % 2
    print(total, len(bus.when_paid))


main()
