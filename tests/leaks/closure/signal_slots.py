"""Leak: one list of slots per signal name; widgets connect with lambdas and never disconnect."""


class Signals:
    slots = {"click": [], "close": []}

    @classmethod
    def connect(cls, name, slot):
        cls.slots[name].append(slot)


class Widget:
    def __init__(self, number):
        self.pixels = bytearray(700)
        Signals.connect("click" if number % 2 else "close", lambda: self.paint(number))

    def paint(self, number):
        return len(self.pixels) + number


def show(number):
    return Widget(number).paint(number) + sum(i * i for i in range(150)) % 2


print(sum(show(number) for number in range(15_000)))
