"""Leak: an uploader takes one chunk a turn and is given two."""
from collections import deque


class Uploader:
    def __init__(self):
        self.chunks = deque()
        self.sent = 0

    def give(self, chunk):
        self.chunks.append(chunk)

    def turn(self):
        if self.chunks:
            self.sent += len(self.chunks.popleft())


uploader = Uploader()
for number in range(12_000):
    uploader.give(bytearray(1_000 + number % 3))
    uploader.give(bytearray(500))
    uploader.turn()
    sum(i * i for i in range(800))
print(uploader.sent)
