"""A pyee emitter that lives as long as the service, and a listener for each connection.
Proper use: remove_listener."""
import sys

from pyee.base import EventEmitter

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Connection:
    def __init__(self, bus, number):
        self.bus, self.number = bus, number
        self.inbox = [f"hello {number} {n}" for n in range(40)]
        bus.on("news", self.receive)

    def receive(self, text):
        self.inbox[hash(text) % 40] = text

    def close(self):
        if PROPER:
            self.bus.remove_listener("news", self.receive)


def session(bus, number):
    connection = Connection(bus, number)
    if number % 50 == 0:
        bus.emit("news", f"news {number}")
    words = sum(len(text.split()) for text in connection.inbox)
    connection.close()
    return words


bus = EventEmitter()
print(sum(session(bus, n) for n in range(int(8000 * SIZE))))
