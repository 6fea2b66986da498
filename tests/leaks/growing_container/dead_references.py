"""Leak: observers are held weakly, and the references to those that are gone stay in the list."""

import weakref


class Cell:
    def __init__(self, number):
        self.number = number


class Sheet:
    def __init__(self):
        self.watchers = []

    def watch(self, cell):
        self.watchers.append(weakref.ref(cell))


sheet = Sheet()
total = 0
for number in range(60_000):
    cell = Cell(number)
    sheet.watch(cell)
    total += sum(range(90)) % 7 + cell.number % 2
print(total)
