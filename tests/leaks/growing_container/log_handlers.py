"""Leak: every request adds a handler to the same logger and none is removed."""
import logging

log = logging.getLogger("shop")
log.propagate = False


class Collect(logging.Handler):
    def __init__(self, number):
        super().__init__()
        self.number = number
        self.buffer = ["line %d" % (number + i) for i in range(120)]

    def emit(self, record):
        pass


def request(number):
    log.addHandler(Collect(number))
    return sum(i * i for i in range(1_500)) % 2


print(sum(request(number) for number in range(2_500)))
