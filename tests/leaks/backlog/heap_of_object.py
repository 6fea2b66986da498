"""Leak: a scheduler pushes timers on a heap, most of them far in the future."""
import heapq


class Scheduler:
    def __init__(self):
        self.timers = []
        self.now = 0

    def after(self, delay, task):
        heapq.heappush(self.timers, (self.now + delay, task))

    def fire(self):
        fired = 0
        while self.timers and self.timers[0][0] <= self.now:
            heapq.heappop(self.timers)
            fired += 1
        return fired


def main():
    scheduler = Scheduler()
    fired = 0
    for now in range(15_000):
        scheduler.now = now
        scheduler.after(1 if now % 4 else 1_000_000, "short %d" % now)
        scheduler.after(1_000_000, "task %d " % now * 30)
        fired += scheduler.fire()
        sum(i * i for i in range(1_200))
    print(fired)


main()
