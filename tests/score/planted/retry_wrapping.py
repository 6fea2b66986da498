"""A client that decorates its transport anew for each request: every call wraps the last wrapper's
bookkeeping, which a registry of statistics keeps."""
import functools
import sys
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
statistics = {}


def retrying(times):
    def decorate(function):
        @functools.wraps(function)
        def call(*args):
            for left in range(times, 0, -1):
                try:
                    return function(*args)
                except ConnectionError:
                    if left == 1:
                        raise
        return call
    return decorate


class Client:
    def __init__(self):
        self.sent = 0

    def send(self, body):
        self.sent += 1
        if self.sent % 10 == 0:
            raise ConnectionError("try again")
        return zlib.crc32(body)

    def request(self, number):
        body = zlib.compress(f"request {number} ".encode() * 300)
        header = f"X-Request: {number} " * 40

        @retrying(3)
        def transport(data):
            return self.send(header.encode() + data)

        statistics[number] = transport
        return transport(body)


client = Client()
print(sum(client.request(n) > 0 for n in range(int(8000 * SIZE))))
