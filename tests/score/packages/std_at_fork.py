"""os.register_at_fork() keeps what it is given: here each connection. Proper use: one function that
asks a WeakSet."""

import os
import sys
import weakref

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
alive = weakref.WeakSet()


def reset_all():
    for c in list(alive):
        c._reset()


if PROPER:
    os.register_at_fork(after_in_child=reset_all)


class Connection:
    def __init__(self, host):
        self.host = host
        self.buffer = bytearray(2000)
        self.pid = os.getpid()
        if PROPER:
            alive.add(self)
        else:
            os.register_at_fork(after_in_child=self._reset)

    def _reset(self):
        self.pid = os.getpid()
        self.buffer.clear()

    def send(self, text):
        self.buffer[: len(text)] = text.encode()
        return len(self.buffer)


def handle(number):
    connection = Connection(f"db-{number % 7}")
    return sum(connection.send(f"select {n}") for n in range(80))


print(sum(handle(n) for n in range(int(9000 * SIZE))))
