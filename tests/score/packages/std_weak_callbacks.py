"""A weak reference to one and the same pool for each connection, with a callback that keeps what the
connection had, in a table that only the callback clears. Proper use: the table is cleared by close()."""
import sys
import weakref

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Pool:
    def __init__(self):
        self.watchers = {}

    def open(self, number):
        history = [f"{number} packet {n}" for n in range(15)]

        def gone(_):
            history.append("gone")

        self.watchers[number] = weakref.ref(self, gone)
        return len(history)

    def close(self, number):
        del self.watchers[number]


def connection(pool, number):
    packets = pool.open(number)
    if PROPER:
        pool.close(number)
    return packets


pool = Pool()
print(sum(connection(pool, n) for n in range(int(25_000 * SIZE))))
