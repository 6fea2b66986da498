"""Leak: a class keeps each job's error to report it one day; the error keeps the job's rows."""


class Importer:
    problems = {}

    def __init__(self, number):
        self.number = number

    def check(self, rows):
        seen = set()
        for row in rows:
            if row in seen:
                raise LookupError("row %d of file %d comes twice" % (row, self.number))
            seen.add(row)

    def run(self):
        rows = [self.number * 100 + place % 90 for place in range(100)]
        try:
            self.check(rows)
        except LookupError as problem:
            Importer.problems[self.number] = problem


def work():
    return sum(i * i for i in range(1_500)) % 7


total = 0
for number in range(2_500):
    Importer(number).run()
    total += work()
print(total, len(Importer.problems))
