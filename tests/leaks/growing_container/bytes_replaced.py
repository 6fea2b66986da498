"""Leak: what was sent is kept by making a longer copy of it for every packet."""
import zlib

sent = b""


def send(packet):
    global sent
    sent = sent + packet
    return zlib.crc32(packet)


def main():
    check = 0
    for number in range(5_000):
        packet = b"packet %d, " % number * 60
        check ^= send(packet)
        for _ in range(8):
            check ^= zlib.crc32(zlib.compress(packet))
    print(check)


main()
