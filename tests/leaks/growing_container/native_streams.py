"""A gateway keeps a compressor a connection: little to the heap, a quarter of a megabyte each to zlib."""

import zlib


class Gateway:
    def __init__(self):
        self.connections = []

    def connect(self, number):
        stream = zlib.compressobj()
        self.connections.append((number, stream))
        sent = 0
        for n in range(120):
            sent += len(stream.compress(b"message %d of %d: all is well here\n" % (n, number) * 40))
        return sent + len(stream.flush(zlib.Z_SYNC_FLUSH))


def main():
    gateway = Gateway()
    sent = sum(gateway.connect(number) for number in range(600))
    print(sent > 0)


main()
