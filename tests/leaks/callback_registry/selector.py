"""Leak: descriptors are registered with a selector, and never unregistered."""

import selectors


class Peer:
    def __init__(self, number):
        self.number = number
        self.inbox = bytearray(3_000)


class Hub:
    def __init__(self):
        self.selector = selectors.SelectSelector()

    def accept(self, number):
        self.selector.register(number + 10, selectors.EVENT_READ, Peer(number))

    def pause(self, number):
        self.selector.modify(number + 10, selectors.EVENT_WRITE)


hub = Hub()
total = 0
for number in range(3_000):
    hub.accept(number)
    total += sum(i * i for i in range(900)) % 7
print(total)
