"""Decoy: one call fills a queue faster than its thread takes from it, waits until it is empty, and
the program goes on without it."""
import queue
import threading


def take(jobs):
    while (job := jobs.get()) is not None:
        sum(i * i for i in range(600))
        jobs.task_done()
        del job


def send_all(count):
    jobs = queue.Queue()
    threading.Thread(target=take, args=(jobs,), daemon=True).start()
    for number in range(count):
        jobs.put({"number": number, "text": f"line {number} " * 60})
    jobs.join()
    jobs.put(None)
    return count


def main():
    total = send_all(6_000)
    for number in range(3_000):
        total += sum(i * i for i in range(600)) % 3
    print(total)


main()
