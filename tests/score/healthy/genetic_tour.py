"""A genetic algorithm looks for a short tour: populations come and go, a hall of fame stays small."""
import heapq
import math
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Tour:
    __slots__ = ("order", "length", "parents")

    def __init__(self, order, world, parents=()):
        self.order, self.length = order, world.length(order)
        self.parents = tuple(parent.length for parent in parents)

    def __lt__(self, other):
        return self.length > other.length  # the longest is thrown out first


class World:
    def __init__(self, towns, rng):
        places = [(rng.random(), rng.random()) for _ in range(towns)]
        self.distance = [[math.dist(a, b) for b in places] for a in places]

    def length(self, order):
        return sum(self.distance[a][b] for a, b in zip(order, order[1:])) + self.distance[order[-1]][order[0]]


class Evolution:
    def __init__(self, world, rng, size):
        self.world, self.rng, self.size = world, rng, size
        towns = range(len(world.distance))
        self.population = [Tour(rng.sample(towns, len(towns)), world) for _ in range(size)]
        self.famous, self.course = [], []

    def chosen(self):
        return min(self.rng.sample(self.population, 4), key=lambda tour: tour.length)

    def crossed(self, one, other):
        cut = sorted(self.rng.sample(range(len(one.order)), 2))
        middle = one.order[cut[0]:cut[1]]
        taken = set(middle)
        rest = [town for town in other.order if town not in taken]
        return rest[:cut[0]] + middle + rest[cut[0]:]

    def mutated(self, order):
        if self.rng.random() < 0.3:
            a, b = sorted(self.rng.sample(range(len(order)), 2))
            order[a:b] = reversed(order[a:b])
        return order

    def generation(self):
        children = []
        for _ in range(self.size):
            one, other = self.chosen(), self.chosen()
            children.append(Tour(self.mutated(self.crossed(one, other)), self.world, (one, other)))
        children.sort(key=lambda tour: tour.length)
        self.population = sorted(self.population, key=lambda tour: tour.length)[:10] + children[:-10]
        for tour in children[:3]:
            (heapq.heappush if len(self.famous) < 20 else heapq.heappushpop)(self.famous, tour)
        self.course.append(children[0].length)


rng = random.Random(11)
evolution = Evolution(World(60, rng), rng, 300)
for _ in range(int(250 * SIZE)):
    evolution.generation()
print(evolution.course[-1] < evolution.course[0], len(evolution.famous) <= 20)
