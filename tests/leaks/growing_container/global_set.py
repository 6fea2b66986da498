"""Leak: every token ever issued goes into a set."""
import zlib

issued = set()


def issue(number):
    token = "token-%08d-%08x" % (number, zlib.crc32(b"%d" % number)) * 4
    issued.add(token)
    return len(token) + sum(token.encode()) % 2


print(sum(issue(number) for number in range(90_000)), len(issued))
