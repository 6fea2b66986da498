"""Leak: each failure is raised from the one before, so the last one keeps them all."""


class Monitor:
    def __init__(self):
        self.last = None

    def probe(self, number):
        sample = [number + place for place in range(120)]
        if sum(sample) > 0:
            raise OSError("probe %d failed" % number)

    def watch(self, number):
        try:
            try:
                self.probe(number)
            except OSError as problem:
                raise RuntimeError("watch %d" % number) from (self.last or problem)
        except RuntimeError as problem:
            self.last = problem


monitor = Monitor()
total = 0
for number in range(1, 2_500):
    monitor.watch(number)
    total += sum(i * i for i in range(1_500)) % 7
print(total)
