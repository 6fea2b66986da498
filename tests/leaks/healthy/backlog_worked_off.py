"""Decoy: a deque fills up with waiting work for a third of the run and is worked off in the
rest."""
import collections

waiting = collections.deque()


def arrive(number):
    waiting.append({"number": number, "lines": ["line %d" % (number + i) for i in range(8)]})


def work_off():
    job = waiting.popleft()
    return sum(len(line) for line in job["lines"]) + sum(i * i for i in range(400)) % 2


for number in range(30_000):
    arrive(number)
total = 0
while waiting:
    total += work_off()
print(total)
