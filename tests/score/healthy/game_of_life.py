"""Life on an endless plane: sets of living cells, a history to notice when it repeats, soup after soup."""
import collections
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
AROUND = [(dx, dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1) if dx or dy]


class Plane:
    def __init__(self, alive):
        self.alive, self.age = frozenset(alive), 0

    def step(self):
        near = collections.Counter((x + dx, y + dy) for x, y in self.alive for dx, dy in AROUND)
        self.alive = frozenset(cell for cell, count in near.items()
                               if count == 3 or count == 2 and cell in self.alive)
        self.age += 1


def soup(rng, edge):
    return {(x, y) for x in range(edge) for y in range(edge) if rng.random() < 0.35}


def live(plane, most):
    """Until it is periodic: the last thirty states tell."""
    lately = collections.deque(maxlen=30)
    ages = collections.Counter()
    for _ in range(most):
        if plane.alive in lately:
            return "periodic", ages
        lately.append(plane.alive)
        plane.step()
        ages[len(plane.alive) // 50 * 50] += 1
    return "restless", ages


rng = random.Random(6)
ends, sizes = collections.Counter(), collections.Counter()
for _ in range(int(26 * SIZE)):
    plane = Plane(soup(rng, 40))
    end, ages = live(plane, 160)
    ends[end] += 1
    sizes.update(ages)
print(sum(ends.values()) == int(26 * SIZE), len(sizes) < 100)
