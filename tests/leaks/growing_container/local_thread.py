"""Leak: a worker thread keeps all it has done in a local of its loop."""
import queue
import threading


def remember(done, number):
    done.append(bytearray(b"%d" % number) * 80)


def worker(jobs, answers):
    done = []
    while True:
        number = jobs.get()
        if number is None:
            break
        remember(done, number)
        answers.put(len(done[-1]))


def main():
    jobs, answers = queue.Queue(), queue.Queue()
    thread = threading.Thread(target=worker, args=(jobs, answers))
    thread.start()
    total = 0
    for number in range(25_000):
        jobs.put(number)
        total += answers.get()
    jobs.put(None)
    thread.join()
    print(total)


main()
