"""Leak: each thread of a pool has its own statistics, to which each job adds and from which none takes."""
import concurrent.futures
import threading


class Statistics(threading.local):
    def __init__(self):
        self.timings = {}


class Service:
    def __init__(self):
        self.statistics = Statistics()

    def handle(self, number):
        self.statistics.timings[number] = [number + i for i in range(60)]
        return sum(i * i for i in range(1_500)) % 7


service = Service()
with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
    print(sum(pool.map(service.handle, range(8_000))))
