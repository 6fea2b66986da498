"""Healthy: failures are kept as counts of their texts, not as exceptions."""
import collections
import traceback


class Importer:
    def __init__(self):
        self.problems = collections.Counter()

    def check(self, number):
        rows = [number + place for place in range(200)]
        if rows[number % 200] >= 0:
            raise LookupError("kind %d" % (number % 20))

    def run(self, number):
        try:
            self.check(number)
        except LookupError:
            self.problems[traceback.format_exc(limit=1)] += 1


importer = Importer()
total = 0
for number in range(4_000):
    importer.run(number)
    total += sum(i * i for i in range(600)) % 7
print(total, len(importer.problems))
