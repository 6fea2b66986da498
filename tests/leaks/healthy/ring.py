"""Decoy: a ring buffer in a list of fixed length, objects of slightly differing size."""


class Ring:
    def __init__(self, size):
        self.slots = [None] * size
        self.at = 0

    def put(self, item):
        self.slots[self.at] = item
        self.at = (self.at + 1) % len(self.slots)


ring = Ring(3_000)
for number in range(1_000_000):
    ring.put(bytearray(600 + number % 50))
print(sum(len(item) for item in ring.slots))
