"""multiprocessing.Queue without a bound: the worker is slower than the program. Proper use: a bound."""

import multiprocessing
import sys
import time

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def worker(q, delay):
    while True:
        item = q.get()
        if item is None:
            return
        time.sleep(delay)


def main():
    q = multiprocessing.Queue(50 if PROPER else 0)
    p = multiprocessing.Process(target=worker, args=(q, 0.0005 if PROPER else 0.02), daemon=True)
    p.start()
    for number in range(int(2500 * SIZE)):
        q.put({"number": number, "payload": bytes(3000 + number % 100)})
        sum(n * n for n in range(3000))
    print(q.qsize() > 0)
    p.terminate()
    q.cancel_join_thread()


if __name__ == "__main__":
    main()
