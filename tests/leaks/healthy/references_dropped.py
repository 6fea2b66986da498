"""Twin of growing_container: a callback takes each weak reference out when its object is gone."""

import weakref


class Cell:
    def __init__(self, number):
        self.number = number


class Sheet:
    def __init__(self):
        self.watchers = []

    def watch(self, cell):
        self.watchers.append(weakref.ref(cell, self.watchers.remove))


sheet = Sheet()
total = 0
for number in range(60_000):
    cell = Cell(number)
    sheet.watch(cell)
    total += sum(range(90)) % 7 + cell.number % 2
print(total)
