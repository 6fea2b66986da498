"""Leak: each session registers a bound method for shutdown and none is taken off again."""

on_shutdown = []


class Session:
    def __init__(self, number):
        self.number = number
        self.buffer = bytearray(800)
        on_shutdown.append(self.close)

    def close(self):
        self.buffer.clear()

    def serve(self):
        return len(self.buffer) + self.number


print(sum(Session(number).serve() + sum(i * i for i in range(800)) % 2 for number in range(14_000)))
