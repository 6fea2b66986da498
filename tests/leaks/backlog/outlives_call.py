"""Leak: each batch starts a thread with a queue and returns; the threads fall ever further behind."""
import queue
import threading
import time

senders = {}


def send(jobs):
    while True:
        job = jobs.get()
        time.sleep(0.005)
        del job


def batch(number):
    where = "north" if number % 2 else "south"
    if where not in senders:
        jobs = queue.Queue()
        threading.Thread(target=send, args=(jobs,), daemon=True).start()
        senders[where] = jobs
    for line in range(20):
        senders[where].put({"line": line, "text": f"batch {number} line {line} " * 30})
    return sum(i * i for i in range(8_000)) % 3


def main():
    print(sum(batch(number) for number in range(600)))


main()
