"""Leak: each client has a thread that ends when the program does.

What the threads keep in Python objects is little beside the tables that the first clients load."""
import atexit
import threading

TABLES = {}


def table(number):
    key = number % 100
    return TABLES.setdefault(key, ["%d of %d" % (i, key) for i in range(2_000)])


class Client:
    def __init__(self, number):
        self.done = threading.Event()
        self.rows = len(table(number))
        threading.Thread(target=self.poll, daemon=True).start()
        atexit.register(self.done.set)

    def poll(self):
        self.done.wait()


def work(number):
    return Client(number).rows + sum(i * i for i in range(100_000)) % 7


def main():
    print(sum(work(number) for number in range(240)))


main()
