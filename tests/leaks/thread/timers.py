"""Leak: each lease gets a threading.Timer of an hour, and giving the lease back does not cancel it."""
import threading


class Lease:
    def __init__(self, number):
        self.rows = [number + i for i in range(6_000)]
        self.timer = threading.Timer(3_600, self.expire)
        self.timer.daemon = True
        self.timer.start()

    def expire(self):
        self.rows.clear()

    def give_back(self):
        return len(self.rows)


def work(number):
    return Lease(number).give_back() + sum(i * i for i in range(80_000)) % 7


print(sum(work(number) for number in range(100)))
