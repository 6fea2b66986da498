"""Healthy: each exporter is closed when its job is done, and takes its exit handler off."""
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
    lines = len(exporter.lines)
    exporter.shutdown()
    return sum(i * i for i in range(1_500)) % 5 + lines


print(sum(job(number) for number in range(4_000)))
