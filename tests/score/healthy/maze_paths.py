"""Mazes are carved and solved by A*, one after another; each search has big tables of its own."""
import heapq
import itertools
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Maze:
    def __init__(self, width, height, rng):
        self.width, self.height, self.open = width, height, set()
        stack, seen = [(0, 0)], {(0, 0)}
        while stack:
            x, y = stack[-1]
            ways = [(x + dx, y + dy) for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1))
                    if (x + dx, y + dy) not in seen and 0 <= x + dx < width and 0 <= y + dy < height]
            if not ways:
                stack.pop()
                continue
            step = rng.choice(ways)
            seen.add(step)
            self.join((x, y), step)
            stack.append(step)
        for _ in range(width * height // 12):  # loops, so that there is something to search
            x, y = rng.randrange(width - 1), rng.randrange(height - 1)
            self.join((x, y), rng.choice([(x + 1, y), (x, y + 1)]))

    def join(self, a, b):
        self.open.add((a, b))
        self.open.add((b, a))

    def around(self, place):
        x, y = place
        for step in ((x + 1, y), (x - 1, y), (x, y + 1), (x, y - 1)):
            if (place, step) in self.open:
                yield step


class Search:
    def __init__(self, maze, start, goal):
        self.maze, self.start, self.goal = maze, start, goal
        self.cost, self.came_from, self.order = {start: 0}, {}, itertools.count()

    def guess(self, place):
        return abs(place[0] - self.goal[0]) + abs(place[1] - self.goal[1])

    def path(self):
        border = [(self.guess(self.start), next(self.order), self.start)]
        while border:
            _, _, place = heapq.heappop(border)
            if place == self.goal:
                return self.walked(place)
            for step in self.maze.around(place):
                cost = self.cost[place] + 1
                if cost < self.cost.get(step, 1 << 30):
                    self.cost[step], self.came_from[step] = cost, place
                    heapq.heappush(border, (cost + self.guess(step), next(self.order), step))
        return []

    def walked(self, place):
        way = [place]
        while place in self.came_from:
            place = self.came_from[place]
            way.append(place)
        return way[::-1]


rng = random.Random(16)
solved = longest = 0
for _ in range(int(36 * SIZE)):
    maze = Maze(70, 70, rng)
    for _ in range(4):
        start, goal = [(rng.randrange(70), rng.randrange(70)) for _ in range(2)]
        way = Search(maze, start, goal).path()
        solved += bool(way)
        longest = max(longest, len(way))
print(solved == 4 * int(36 * SIZE), longest > 0)
