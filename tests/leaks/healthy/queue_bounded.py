"""Healthy decoy: a bounded queue fills, and stays full; the producer waits for the consumer."""
import collections
import queue
import threading

jobs = queue.Queue(maxsize=400)
recent = collections.deque(maxlen=300)


def consume():
    while True:
        job = jobs.get()
        if job is None:
            return
        recent.append(job["id"])
        sum(i * i for i in range(400))


worker = threading.Thread(target=consume)
worker.start()
for number in range(12_000):
    jobs.put({"id": number, "rows": ["row %d" % (number + i) for i in range(20)]})
jobs.put(None)
worker.join()
print(len(recent))
