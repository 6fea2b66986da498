"""Leak: the last failure is kept, and each is raised while the one before is handled: that is its context."""


class Feed:
    def __init__(self):
        self.last = None

    def read(self, number):
        line = "line %d " % number * 100
        try:
            if self.last is None:
                raise ValueError(line)
            try:
                raise self.last
            except ValueError:
                raise ValueError(line)
        except ValueError as failure:
            self.last = failure.with_traceback(None)


def main():
    feed = Feed()
    total = 0
    for number in range(6_000):
        feed.read(number)
        total += sum(i * i for i in range(700)) % 3
    print(total, feed.last is not None)


main()
