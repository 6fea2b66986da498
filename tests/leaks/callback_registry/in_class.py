"""Leak: a class keeps (priority, callback) pairs of every widget that was ever shown."""


class Signal:
    def __init__(self):
        self._slots = []

    def connect(self, slot, priority=0):
        self._slots.append((priority, slot))

    def emit(self, value):
        for _, slot in sorted(self._slots[:3], key=lambda pair: pair[0]):
            slot(value)


class Widget:
    resized = Signal()

    def __init__(self):
        self.width = 10
        self.cells = [0] * 120
        Widget.resized.connect(self.resize)

    def resize(self, width):
        self.width = width


def show(number):
    widget = Widget()
    Widget.resized.emit(number)
    return widget.width + sum(i * i for i in range(800)) % 2


total = 0
for number in range(12_000):
    total += show(number)
print(total)
