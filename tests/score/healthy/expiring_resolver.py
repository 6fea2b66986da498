"""A resolver of names with an age for each answer: a heap of ends, negative answers, refresh ahead."""
import heapq
import ipaddress
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Record:
    __slots__ = ("name", "addresses", "ends", "asked")

    def __init__(self, name, addresses, ends):
        self.name, self.addresses, self.ends, self.asked = name, addresses, ends, 0


class Upstream:
    def __init__(self, rng):
        self.rng, self.asked = rng, 0

    def ask(self, name):
        self.asked += 1
        if self.rng.random() < 0.1:
            return [], 5
        return [ipaddress.ip_address(self.rng.getrandbits(32)) for _ in range(6)], self.rng.randint(20, 60)


class Resolver:
    def __init__(self, upstream):
        self.upstream, self.records, self.ends, self.now = upstream, {}, [], 0.0
        self.refreshed = 0

    def expire(self):
        while self.ends and self.ends[0][0] <= self.now:
            ends, name = heapq.heappop(self.ends)
            record = self.records.get(name)
            if record is None or record.ends > ends:
                continue
            if record.asked > 50:
                self.refreshed += 1
                self.fill(name)
            else:
                del self.records[name]

    def fill(self, name):
        addresses, age = self.upstream.ask(name)
        record = self.records[name] = Record(name, addresses, self.now + age)
        heapq.heappush(self.ends, (record.ends, name))
        return record

    def resolve(self, name):
        self.expire()
        record = self.records.get(name) or self.fill(name)
        record.asked += 1
        return record.addresses


rng = random.Random(17)
resolver, answered = Resolver(Upstream(rng)), 0
for n in range(int(400_000 * SIZE)):
    resolver.now += 0.002
    host = f"host{n}" if n % 10 == 0 else f"www{min(int(rng.paretovariate(0.8)), 9999)}"
    answered += bool(resolver.resolve(f"{host}.example.org"))
print(answered > 0, resolver.refreshed > 0, len(resolver.records) < 60_000)
