"""A table of weak references that grows with what it refers to, fills up and stays."""

import weakref


class Station:
    def __init__(self, number):
        self.number = number
        self.readings = [number] * 20


stations = [Station(number) for number in range(12_000)]
nearby = []
total = 0
for station in stations:
    nearby.append(weakref.ref(station))
for turn in range(60):
    for reference in nearby[:2_000]:
        total += reference().number % 7
    total += sum(i * i for i in range(4_000)) % 3
print(total)
