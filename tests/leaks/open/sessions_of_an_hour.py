"""Those that are over go with each request; in this run none is."""

import time


class Sessions:
    LIFE = 3600

    def __init__(self):
        self.by_number = {}

    def touch(self, number):
        now = time.time()
        self.sweep(now)
        self.by_number[number] = (now + self.LIFE, "session %d " % number * 200)
        return self.by_number[number][1]

    def sweep(self, now):
        for number, (end, _) in list(self.by_number.items())[:3]:
            if end < now:
                del self.by_number[number]


sessions = Sessions()


def main():
    total = 0
    for number in range(3000):
        total += len(sessions.touch(number)) + sum(range(3000))
    print(total)


main()
