"""A simulation of ant colonies: entities with components, events, births and deaths, saved games."""
import itertools
import math
import pickle
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Entity:
    __slots__ = ("id", "x", "y", "heading", "energy", "colony", "carrying", "target")
    numbers = itertools.count()

    def __init__(self, colony, x, y):
        self.id = next(self.numbers)
        self.x, self.y, self.heading = x, y, random.uniform(0, math.tau)
        self.energy, self.colony, self.carrying, self.target = 400, colony, 0, None


class Colony:
    def __init__(self, world, x, y):
        self.world, self.x, self.y, self.store, self.ants = world, x, y, 60, []
        self.listeners = {"died": [self.on_died], "fed": [self.on_fed]}

    def emit(self, event, ant):
        for listener in self.listeners[event]:
            listener(ant)

    def on_died(self, ant):
        self.ants.remove(ant)

    def on_fed(self, ant):
        self.store += ant.carrying
        ant.carrying = 0
        if self.store >= 10 and len(self.ants) < 120:
            self.store -= 10
            self.ants.append(Entity(self, self.x, self.y))


class World:
    def __init__(self, width=120):
        self.width, self.tick, self.food, self.scent = width, 0, {}, {}
        self.colonies = [Colony(self, 30, 30), Colony(self, 90, 80)]
        for colony in self.colonies:
            colony.ants = [Entity(colony, colony.x, colony.y) for _ in range(60)]

    def grow(self):
        while len(self.food) < 900:
            self.food[random.randrange(self.width), random.randrange(self.width)] = 5

    def step(self):
        self.tick += 1
        self.grow()
        for colony in self.colonies:
            for ant in list(colony.ants):
                self.move(ant)
        if self.tick % 5 == 0:  # scent fades
            self.scent = {at: strength - 1 for at, strength in self.scent.items() if strength > 1}

    def move(self, ant):
        ant.energy -= 1
        if ant.energy <= 0:
            return ant.colony.emit("died", ant)
        if ant.carrying:
            ant.heading = math.atan2(ant.colony.y - ant.y, ant.colony.x - ant.x)
            self.scent[round(ant.x), round(ant.y)] = 8
        else:
            smelled = self.scent.get((round(ant.x), round(ant.y)), 0)
            ant.heading += random.gauss(0, 0.2 if smelled else 0.5)
        ant.x = min(max(ant.x + math.cos(ant.heading), 0), self.width)
        ant.y = min(max(ant.y + math.sin(ant.heading), 0), self.width)
        if ant.carrying and math.hypot(ant.x - ant.colony.x, ant.y - ant.colony.y) < 2:
            ant.energy = 400
            ant.colony.emit("fed", ant)
        elif not ant.carrying:
            here = round(ant.x), round(ant.y)
            if here in self.food:
                ant.carrying = self.food.pop(here)


random.seed(4)
world = World()
saves = {}
for _ in range(int(1600 * SIZE)):
    world.step()
    if world.tick % 100 == 0:
        saves[world.tick // 100 % 3] = pickle.dumps((world.tick, world.food, world.scent))
print(world.tick, [len(colony.ants) > 20 for colony in world.colonies], len(saves))
