"""Decoy: a cache that counts what it holds, and lets the oldest go at its limit, is two thirds full."""


class Pictures:
    def __init__(self, limit):
        self.limit = limit
        self.held = 0
        self.drawn = {}

    def __getitem__(self, number):
        return self.drawn[number]

    def __setitem__(self, number, picture):
        while self.held >= self.limit:
            self.forget_oldest()
        self.drawn[number] = picture
        self.held += 1

    def forget_oldest(self):
        del self.drawn[next(iter(self.drawn))]
        self.held -= 1


pictures = Pictures(6000)


def picture(number):
    try:
        return pictures[number]
    except KeyError:
        pictures[number] = drawn = "picture %d " % number * 200
        return drawn


def main():
    total = 0
    for number in range(4000):
        total += len(picture(number)) + sum(range(3000))
    print(total)


main()
