"""Healthy: each session asks to be closed at the exit, and takes that back when it is closed before."""
import atexit


class Session:
    def __init__(self, number):
        self.data = [number + i for i in range(100)]
        atexit.register(self.close)

    def close(self):
        atexit.unregister(self.close)
        self.data.clear()


def serve(number):
    session = Session(number)
    size = len(session.data)
    if number >= 20:
        session.close()
    return size + sum(i * i for i in range(2_000)) % 7


print(sum(serve(number) for number in range(4_000)))
