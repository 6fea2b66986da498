"""Decoy: objects are kept for reuse; the pool reaches its size in the first rounds."""


class Buffer:
    def __init__(self):
        self.data = bytearray(4_000)


class Pool:
    def __init__(self):
        self.free = []
        self.made = 0

    def take(self):
        if self.free:
            return self.free.pop()
        self.made += 1
        return Buffer()

    def give(self, buffer):
        self.free.append(buffer)


pool = Pool()
for round_number in range(1_500):
    taken = [pool.take() for _ in range(1_000 + round_number % 7)]
    for buffer in taken:
        pool.give(buffer)
print(pool.made)
