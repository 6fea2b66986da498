"""Leak: numbers are appended to a module's list, call after call, and never read."""
readings = []


def take_readings():
    for value in range(2_000):
        readings.append(value * 3 + 1_000)


for _ in range(800):
    take_readings()
print(len(readings))
