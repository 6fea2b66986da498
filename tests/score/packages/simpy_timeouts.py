"""simpy: a race of an arrival against a long time-out leaves the time-out in the event queue until
its time comes. Proper use: a short one."""
import random
import sys

import simpy

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
rng = random.Random(1)


class Shop:
    def __init__(self, env):
        self.env, self.served, self.given_up = env, 0, 0
        self.desk = simpy.Resource(env, capacity=2)

    def customer(self):
        with self.desk.request() as turn:
            patience = self.env.timeout(20 if PROPER else 1_000_000)
            result = yield turn | patience
            if turn in result:
                yield self.env.timeout(rng.uniform(0.2, 1.4))
                self.served += 1
            else:
                self.given_up += 1


def arrivals(env, shop):
    while True:
        yield env.timeout(rng.expovariate(1.5))
        env.process(shop.customer())


env = simpy.Environment()
shop = Shop(env)
env.process(arrivals(env, shop))
env.run(until=20_000 * SIZE)
print(shop.served > 0)
