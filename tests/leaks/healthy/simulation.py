"""Healthy, larger: a discrete simulation; a heap of events, entities that come and go,
statistics."""
import collections
import heapq
import random


class Customer:
    def __init__(self, number, arrived):
        self.number = number
        self.arrived = arrived
        self.basket = ["thing %d" % (number * i % 50) for i in range(8)]


class Shop:
    def __init__(self, tills):
        self.time = 0.0
        self.events = []
        self.order = 0
        self.free = tills
        self.line = collections.deque()
        self.waits = collections.Counter()

    def at(self, delay, function, *args):
        self.order += 1
        heapq.heappush(self.events, (self.time + delay, self.order, function, args))

    def arrive(self, number):
        self.line.append(Customer(number, self.time))
        self.serve()

    def serve(self):
        while self.free and self.line:
            customer = self.line.popleft()
            self.free -= 1
            self.waits[int(self.time - customer.arrived)] += 1
            self.at(0.05 * len(customer.basket) + random.random(), self.leave, customer)

    def leave(self, customer):
        self.free += 1
        self.serve()

    def run(self, until):
        while self.events and self.events[0][0] < until:
            self.time, _, function, args = heapq.heappop(self.events)
            function(*args)


random.seed(11)
shop = Shop(tills=5)
for number in range(60_000):
    shop.at(0.2 + random.random() * 0.1, shop.arrive, number)
    shop.run(shop.time + 0.25 if shop.events else 1)
shop.run(float("inf"))
print(sum(shop.waits.values()), len(shop.waits) > 0, len(shop.line))
