"""A property remembers its value in a cache of the function: for each message there ever was."""

import functools
import hashlib


class Message:
    def __init__(self, number):
        self.number = number
        self.body = bytearray(1200)

    @property
    @functools.lru_cache(maxsize=None)
    def digest(self):
        return hashlib.sha1(self.body).hexdigest()


def main():
    signed = 0
    for number in range(12_000):
        signed += len(Message(number).digest)
        sum(range(400))
    print(signed)


main()
