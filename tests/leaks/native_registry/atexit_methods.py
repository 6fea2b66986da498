"""Leak: each session asks to be closed at the exit, and so lives until then."""
import atexit


class Session:
    def __init__(self, number):
        self.data = [number + i for i in range(80)]
        atexit.register(self.close)

    def close(self):
        self.data.clear()


def serve(number):
    session = Session(number)
    return len(session.data) + sum(i * i for i in range(1_500)) % 7


print(sum(serve(number) for number in range(5_000)))
