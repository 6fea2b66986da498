"""Leak: the growing attribute belongs to an object that only a local of main() holds."""


class Meter:
    def __init__(self):
        self.samples = []

    def tick(self, number):
        self.samples.append((number, "sample %d" % number, [number] * 20))
        return sum(i * i for i in range(320)) % 3


def main():
    meter = Meter()
    total = 0
    for number in range(50_000):
        total += meter.tick(number)
    print(total, len(meter.samples))


main()
