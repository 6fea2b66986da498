"""Leak: gc.freeze() after each batch moves dead cycles where no collection looks at them."""
import gc
import zlib


class Job:
    def __init__(self, number):
        self.number = number
        self.result = None


class Result:
    def __init__(self, job):
        self.job = job
        self.data = bytearray(800)


def batch(start):
    total = 0
    for number in range(start, start + 100):
        job = Job(number)
        job.result = Result(job)
        total += zlib.crc32(job.result.data) % 97
        total += sum(i for i in range(600)) % 3
    gc.freeze()
    return total


print(sum(batch(start) for start in range(0, 20_000, 100)))
