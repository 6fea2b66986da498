"""Leak: one function with one cell, and the list in the cell gains a record per call."""


def make_recorder():
    records = []

    def record(number):
        records.append({"number": number, "text": "reading %d" % number})
        return len(records)

    return record


record = make_recorder()


def measure(number):
    return record(number) + sum(i * i for i in range(480)) % 2


print(sum(measure(number) for number in range(30_000)))
