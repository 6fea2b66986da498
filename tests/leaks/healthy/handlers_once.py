"""Healthy decoy: sixty loggers get a handler each while the program starts; then it only logs."""
import logging


class Memory(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = [""] * 100
        self.at = 0

    def emit(self, record):
        self.lines[self.at % 100] = record.getMessage()
        self.at += 1


def logger(name):
    log = logging.getLogger(name)
    if not log.handlers:
        log.addHandler(Memory())
        log.setLevel(logging.INFO)
        log.propagate = False
    return log


def work(number):
    logger("part.%d" % (number % 60)).info("unit %d is done", number % 10)
    return sum(i * i for i in range(300)) % 5


print(sum(work(number) for number in range(20_000)))
