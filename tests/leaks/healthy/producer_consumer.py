"""Decoy: a queue whose consumer keeps up."""
import queue
import threading


def consume(jobs, sums):
    total = 0
    for job in iter(jobs.get, None):
        total += len(job)
    sums.append(total)


jobs, sums = queue.Queue(maxsize=100), []
thread = threading.Thread(target=consume, args=(jobs, sums))
thread.start()
for number in range(100_000):
    jobs.put(b"job %d " % number * 50)
jobs.put(None)
thread.join()
print(sums[0])
