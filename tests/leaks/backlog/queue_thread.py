"""Leak: a producer puts faster than the one consumer gets."""
import queue
import threading

jobs = queue.Queue()
done = []


def consume():
    while True:
        job = jobs.get()
        if job is None:
            return
        done[:] = [len(job["rows"])]
        sum(i * i for i in range(4_000))


worker = threading.Thread(target=consume, daemon=True)
worker.start()
for number in range(9_000):
    jobs.put({"id": number, "rows": ["row %d" % (number + i) for i in range(20)]})
    sum(i * i for i in range(60))
print("produced")
