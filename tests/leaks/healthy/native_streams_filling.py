"""A gateway makes a compressor for each of its peers when it first hears of one: then it has them all."""

import zlib


class Gateway:
    def __init__(self):
        self.peers = {}

    def send(self, peer, number):
        if peer not in self.peers:
            self.peers[peer] = zlib.compressobj()
        stream = self.peers[peer]
        sent = 0
        for n in range(40):
            sent += len(stream.compress(b"message %d of %d: all is well here\n" % (n, number) * 40))
        return sent + len(stream.flush(zlib.Z_SYNC_FLUSH))


def main():
    gateway = Gateway()
    sent = sum(gateway.send(number * number % 331, number) for number in range(1_200))
    print(sent > 0)


main()
