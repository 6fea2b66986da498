"""Leak: a job attaches a handler to the logger of its name, and never takes it off."""
import logging


class Memory(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = ["-" * 40] * 60

    def emit(self, record):
        self.lines[0] = record.getMessage()


class Job:
    def __init__(self, number):
        self.number = number
        self.logger = logging.getLogger("jobs")
        self.logger.propagate = False
        self.logger.addHandler(Memory())

    def run(self):
        return sum(i * i for i in range(900)) % 3 + self.number


print(sum(Job(number).run() for number in range(6_000)))
