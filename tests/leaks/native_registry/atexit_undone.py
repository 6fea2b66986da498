"""Leak: exporters that are never closed wait for the exit, where each takes its handler off."""
import atexit


class Exporter:
    def __init__(self, name):
        self.name = name
        self.lines = []
        atexit.register(self.shutdown)

    def write(self, line):
        self.lines.append(line)

    def shutdown(self):
        atexit.unregister(self.shutdown)
        self.lines = []


def job(number):
    exporter = Exporter("job %d" % number)
    for step in range(30):
        exporter.write("step %d of %d" % (step, number))
    return sum(i * i for i in range(1_500)) % 5 + len(exporter.lines)


print(sum(job(number) for number in range(4_000)))
