"""Leak: the decorated functions are methods; the wrapper keeps how long each call took, and of whom."""
import time


def timed(function):
    timings = []

    def run(self, *rest):
        begun = time.perf_counter()
        result = function(self, *rest)
        timings.append((time.perf_counter() - begun, rest, result))
        return result

    return run


class Mailer:
    @timed
    def send(self, number):
        return "sent to %d " % number * 20 + "." * (sum(i * i for i in range(600)) % 2)


mailer = Mailer()
total = 0
for number in range(20_000):
    total += len(mailer.send(number))
print(total)
