"""A scheduler on a heap: jobs that recur, jobs that run once, cancelled ones left to be swept."""
import heapq
import itertools
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Entry:
    __slots__ = ("due", "number", "job", "period", "cancelled")

    def __init__(self, due, number, job, period):
        self.due, self.number, self.job, self.period, self.cancelled = due, number, job, period, False

    def __lt__(self, other):
        return (self.due, self.number) < (other.due, other.number)


class Scheduler:
    def __init__(self):
        self.heap, self.now, self.dead = [], 0.0, 0
        self.numbers = itertools.count()

    def add(self, delay, job, period=None):
        entry = Entry(self.now + delay, next(self.numbers), job, period)
        heapq.heappush(self.heap, entry)
        return entry

    def cancel(self, entry):
        if not entry.cancelled:
            entry.cancelled, entry.job = True, None
            self.dead += 1
        if self.dead > len(self.heap) // 2:
            self.heap = [e for e in self.heap if not e.cancelled]
            heapq.heapify(self.heap)
            self.dead = 0

    def run(self, steps):
        for _ in range(steps):
            if not self.heap:
                return
            entry = heapq.heappop(self.heap)
            if entry.cancelled:
                self.dead -= 1
                continue
            self.now = entry.due
            entry.job(self)
            if entry.period:
                entry.due += entry.period
                heapq.heappush(self.heap, entry)


class Mailer:
    """Sends a reminder unless an answer comes first, which it mostly does."""

    def __init__(self, rng):
        self.rng, self.sent, self.open = rng, 0, {}

    def order(self, scheduler):
        number = next(scheduler.numbers)
        letter = f"order {number}: " + "lines of text " * 30

        def remind(_):
            self.open.pop(number, None)
            self.sent += len(letter) > 0
        self.open[number] = scheduler.add(self.rng.uniform(20, 40), remind)

    def answers(self, scheduler):
        for number in list(self.open)[:self.rng.randrange(15)]:
            scheduler.cancel(self.open.pop(number))


rng = random.Random(5)
scheduler, mailer = Scheduler(), Mailer(rng)
ticks = []


def tick(_):
    ticks.append(len(mailer.open))
    if len(ticks) > 100:
        del ticks[:50]


for n in range(40):
    scheduler.add(rng.random(), mailer.order, period=1.0 + n / 40)
for n in range(3):
    scheduler.add(1 + n, mailer.answers, period=0.9)
scheduler.add(1, tick, period=1.0)
scheduler.run(int(700_000 * SIZE))
print(mailer.sent > 0, len(scheduler.heap) < 20_000, len(ticks) <= 100)
