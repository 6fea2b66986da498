"""A counter is compared with another, to report now and then; nothing bounds the events."""


class Hub:
    def __init__(self):
        self.number = 100_000
        self.reported = 100_000
        self.events = []

    def emit(self, event):
        self.number += 1
        if self.number >= self.reported + 1000:
            self.reported = self.number
        self.events.append(event)

    def drop(self):
        self.events.clear()


hub = Hub()


def main():
    total = 0
    for number in range(4000):
        hub.emit(["event %d " % number * 200])
        total += sum(range(3000))
    print(total)


main()
