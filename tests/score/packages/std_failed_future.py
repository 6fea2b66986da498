"""A failed future is asked again and again: raising one exception object anew makes its traceback
longer each time, with all frames in it. Proper use: the failure is told, a new exception raised."""
import concurrent.futures
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Connector:
    def __init__(self):
        self.future = concurrent.futures.Future()
        self.future.set_exception(ConnectionError("no route"))

    def connection(self):
        if PROPER:
            raise ConnectionError(str(self.future.exception()))
        return self.future.result()


def request(connector, number):
    body = f"request {number} " * 40
    try:
        return connector.connection().send(body)
    except ConnectionError:
        return len(body)


connector = Connector()
print(sum(request(connector, n) for n in range(int(60_000 * SIZE))))
