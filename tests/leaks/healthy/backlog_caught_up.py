"""Batches are queued faster than the thread sends them, and each batch is waited for."""
import queue
import threading

jobs = queue.Queue()


def send():
    while True:
        job = jobs.get()
        sum(i * i for i in range(200))
        del job
        jobs.task_done()


def batch(number):
    for line in range(1_500):
        jobs.put({"line": line, "text": f"batch {number} line {line} " * 30})
    jobs.join()
    return sum(i * i for i in range(1_000)) % 3


def main():
    threading.Thread(target=send, daemon=True).start()
    print(sum(batch(number) for number in range(8)))


main()
