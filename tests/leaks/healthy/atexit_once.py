"""Healthy: one function is registered for the exit; it closes what is open then."""
import atexit
import weakref


class Session:
    open = weakref.WeakSet()

    def __init__(self, number):
        self.data = [number + i for i in range(200)]
        Session.open.add(self)

    def close(self):
        self.data.clear()


@atexit.register
def close_all():
    for session in list(Session.open):
        session.close()


def serve(number):
    session = Session(number)
    return len(session.data) + sum(i * i for i in range(2_000)) % 7


print(sum(serve(number) for number in range(4_000)))
