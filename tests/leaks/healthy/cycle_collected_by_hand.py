"""Twin of reference_cycle: the collector is off, and the program collects between batches
itself."""
import gc


class Job:
    def __init__(self, number):
        self.number = number
        self.me = self
        self.data = bytearray(800)


def batch(start):
    for number in range(start, start + 1_000):
        Job(number)
    return gc.collect() > 0


gc.disable()
print(sum(batch(start) for start in range(0, 400_000, 1_000)))
