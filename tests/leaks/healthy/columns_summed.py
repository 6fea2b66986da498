"""Columns that a method adds a row to at a time; their means are the result."""
import math
from array import array


class Table:
    def __init__(self, *names):
        self.columns = {name: array("d") for name in names}

    def add(self, **row):
        for name, value in row.items():
            self.columns[name].append(value)

    def mean(self, name):
        return sum(self.columns[name]) / len(self.columns[name])


def main():
    table = Table("time", "height", "phase")
    for number in range(300_000):
        table.add(time=number, height=math.sin(number), phase=number % 7)
    print(table.mean("height"), table.mean("phase"))


main()
