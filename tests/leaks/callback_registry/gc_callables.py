"""Leak: a stopwatch for each request stays in gc.callbacks: an object that is called itself."""
import gc


class Stopwatch:
    def __init__(self, number):
        self.number = number
        self.pauses = [0.0] * 200

    def __call__(self, phase, info):
        if phase == "stop":
            self.pauses[0] += 1


def request(number):
    gc.callbacks.append(Stopwatch(number))
    return len([{"n": n} for n in range(100)])


print(sum(request(number) for number in range(2_500)))
