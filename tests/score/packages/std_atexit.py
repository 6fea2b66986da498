"""A session object registers its close with atexit, for each session.
Proper use: close is called, and unregistered."""
import atexit
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Session:
    def __init__(self, number):
        self.rows = [f"row {number} {n}" for n in range(25)]
        atexit.register(self.close)

    def close(self):
        self.rows = []

    def total(self):
        return sum(map(len, self.rows))


def handle(number):
    session = Session(number)
    total = session.total()
    if PROPER:
        session.close()
        atexit.unregister(session.close)
    return total


print(sum(handle(n) for n in range(int((2500 if PROPER else 30_000) * SIZE))))
