"""A gateway has a compressor a connection, and only the last eight connections are open."""

import zlib
from collections import deque


class Gateway:
    def __init__(self):
        self.connections = deque(maxlen=8)

    def connect(self, number):
        stream = zlib.compressobj()
        self.connections.append((number, stream))
        sent = 0
        for n in range(40):
            sent += len(stream.compress(b"message %d of %d: all is well here\n" % (n, number) * 40))
        return sent + len(stream.flush(zlib.Z_SYNC_FLUSH))


def main():
    gateway = Gateway()
    sent = sum(gateway.connect(number) for number in range(2_000))
    print(sent > 0)


main()
