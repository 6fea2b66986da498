"""Leak: raw numbers in an array.array, no Python object per entry."""
import array


class Recorder:
    def __init__(self):
        self.figures = array.array("d")

    def record(self, first):
        self.figures.extend(first + i for i in range(400))
        return self.figures[-1]


recorder = Recorder()
print(sum(recorder.record(float(number)) for number in range(8_000)))
