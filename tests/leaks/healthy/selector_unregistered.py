"""Twin of callback_registry: each descriptor is unregistered when its peer is done."""

import selectors


class Peer:
    def __init__(self, number):
        self.number = number
        self.inbox = bytearray(3_000)


class Hub:
    def __init__(self):
        self.selector = selectors.SelectSelector()

    def serve(self, number):
        self.selector.register(number + 10, selectors.EVENT_READ, Peer(number))
        try:
            return sum(i * i for i in range(900)) % 7
        finally:
            self.selector.unregister(number + 10)


hub = Hub()
print(sum(hub.serve(number) for number in range(3_000)))
