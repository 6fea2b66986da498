"""A battle game: each fight registers what is to happen when the season ends, on local state."""
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Season:
    def __init__(self):
        self.at_end = []
        self.fights = 0

    def when_over(self, action):
        self.at_end.append(action)


class Fighter:
    def __init__(self, rng, name):
        self.name, self.life, self.strength = name, 100, rng.randrange(5, 20)
        self.history = []

    def hit(self, other, rng):
        damage = rng.randrange(self.strength)
        other.life -= damage
        other.history.append((self.name, damage))


def fight(season, rng, number):
    left, right = Fighter(rng, f"left {number}"), Fighter(rng, f"right {number}")
    while left.life > 0 and right.life > 0:
        left.hit(right, rng)
        right.hit(left, rng)
    replay = [*left.history, *right.history]

    def award():
        return len(replay) * (left.life > 0)

    season.when_over(award)
    season.fights += 1


season, rng = Season(), random.Random(12)
for n in range(int(9000 * SIZE)):
    fight(season, rng, n)
print(season.fights)
