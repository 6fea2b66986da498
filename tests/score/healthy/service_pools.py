"""A service as it runs for weeks, in a few seconds: an LRU cache of our own, functools' too, a pool
of connections, ring buffers of metrics, sessions that expire, a periodic report."""
import collections
import functools
import heapq
import random
import sqlite3
import sys
import threading
import time
import zlib
from contextlib import contextmanager

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class LRU:
    def __init__(self, capacity):
        self.capacity, self.entries, self.hits = capacity, collections.OrderedDict(), 0

    def fetch(self, key, make):
        if key in self.entries:
            self.hits += 1
            self.entries.move_to_end(key)
            return self.entries[key]
        value = self.entries[key] = make(key)
        if len(self.entries) > self.capacity:
            self.entries.popitem(last=False)
        return value


class Pool:
    def __init__(self, size):
        self.free = collections.deque()
        self.gate = threading.BoundedSemaphore(size)

    @contextmanager
    def connection(self):
        with self.gate:
            try:
                connection = self.free.pop()
            except IndexError:
                connection = sqlite3.connect(":memory:", check_same_thread=False)
                connection.execute("create table t (k integer primary key, v blob)")
            try:
                yield connection
            finally:
                connection.rollback()
                self.free.append(connection)


class Ring:
    def __init__(self, size):
        self.slots, self.at = [None] * size, 0

    def push(self, value):
        self.slots[self.at % len(self.slots)] = value
        self.at += 1


class Sessions:
    """Expire by a heap of deadlines on a clock that counts requests."""

    def __init__(self, life):
        self.life, self.live, self.deadlines, self.clock = life, {}, [], 0

    def touch(self, name):
        self.clock += 1
        session = self.live.get(name)
        if session is None:
            session = self.live[name] = {"started": self.clock, "notes": []}
        session["until"] = self.clock + self.life
        session["notes"] = [*session["notes"][-4:], self.clock]
        heapq.heappush(self.deadlines, (session["until"], name))
        while self.deadlines and self.deadlines[0][0] <= self.clock:
            until, old = heapq.heappop(self.deadlines)
            if old in self.live and self.live[old]["until"] <= until:
                del self.live[old]
        return session


@functools.lru_cache(maxsize=512)
def render(template, user):
    return zlib.compress((template * 40 + str(user)).encode())


class Service:
    def __init__(self):
        self.pages, self.pool = LRU(300), Pool(4)
        self.latency, self.sessions = Ring(4096), Sessions(800)
        self.totals = collections.Counter()

    def load(self, key):
        with self.pool.connection() as connection:
            connection.execute("insert or replace into t values (?, ?)", (key, b"x" * 2000))
            return connection.execute("select v from t where k = ?", (key,)).fetchone()[0]

    def request(self, rng):
        began = time.perf_counter()
        user = int(rng.paretovariate(0.6)) % 20_000
        self.sessions.touch(f"user-{user}")
        page = self.pages.fetch(user % 1500, self.load)
        body = render(f"hello {user % 700} ", user % 900) + page
        self.totals[len(body) % 7] += 1
        self.latency.push(time.perf_counter() - began)

    def report(self):
        values = sorted(v for v in self.latency.slots if v is not None)
        return values[len(values) // 2] >= 0


def main():
    service, rng = Service(), random.Random(2)
    reports = 0
    for number in range(int(200_000 * SIZE)):
        service.request(rng)
        if number % 5000 == 0:
            reports += service.report()
    print(sum(service.totals.values()), reports, len(service.sessions.live) < 2000)


main()
