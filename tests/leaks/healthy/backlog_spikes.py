"""Healthy: work comes in bursts, waits in a deque and a heap, and is done before the next burst."""
import collections
import heapq

waiting = collections.deque()
timers = []


def burst(number):
    for i in range(300):
        waiting.append({"id": number, "text": "job %d " % i * 20})
        heapq.heappush(timers, (number * 1_000 + i * 7 % 300, "timer %d" % i * 10))


def work_off():
    done = 0
    while waiting:
        done += len(waiting.popleft()["text"])
    while timers:
        done += len(heapq.heappop(timers)[1])
    return done


total = 0
for number in range(150):
    burst(number)
    for _ in range(3):
        total += sum(i * i for i in range(20_000)) % 2
    total += work_off()
print(total)
