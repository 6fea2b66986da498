"""enum makes and keeps a member for each combination of bits an IntFlag was ever asked for. Proper use:
only the bits that mean something are looked at."""

import enum
import struct
import sys
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Flags(enum.IntFlag):
    SYN = 1
    ACK = 2
    FIN = 4
    PUSH = 8


def frames(n):
    for i in range(n):
        yield struct.pack("<II", zlib.crc32(b"%d" % i), i)


def decode(frame):
    word, number = struct.unpack("<II", frame)
    if PROPER:
        word &= 15
    flags = Flags(word)
    return bool(flags & Flags.ACK) + number % 2


def main():
    total = 0
    for frame in frames(int((200_000 if PROPER else 50_000) * SIZE)):
        total += decode(frame)
    print(total)


main()
