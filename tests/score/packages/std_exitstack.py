"""One contextlib.ExitStack for the life of a server; each request enters its context on it.
Proper use: a stack of its own for each request."""
import contextlib
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Server:
    def __init__(self):
        self.resources = contextlib.ExitStack()

    @contextlib.contextmanager
    def scratch(self, number):
        buffer = bytearray(1500)
        buffer[0] = number % 256
        yield buffer
        buffer.clear()

    def handle(self, number):
        if PROPER:
            with contextlib.ExitStack() as stack:
                return self.work(stack.enter_context(self.scratch(number)))
        return self.work(self.resources.enter_context(self.scratch(number)))

    @staticmethod
    def work(buffer):
        return sum(buffer)


server = Server()
print(sum(server.handle(n) >= 0 for n in range(int(40_000 * SIZE))))
server.resources.close()
