"""Metrics of a service: counters by label, sliding windows, coarser and coarser series, alarms, a page."""
import collections
import math
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Series:
    """Points of one second, one minute and one hour; each level keeps so many of them."""

    LEVELS = ((1, 300), (60, 180), (3600, 48))

    def __init__(self):
        self.points = [collections.deque(maxlen=keep) for _, keep in self.LEVELS]
        self.open = [[0, 0.0, 0] for _ in self.LEVELS]

    def add(self, now, value):
        for (step, _), points, row in zip(self.LEVELS, self.points, self.open):
            slot = int(now) // step
            if slot != row[0] and row[2]:
                points.append((row[0] * step, row[1] / row[2]))
                row[1:] = 0.0, 0
            row[0] = slot
            row[1] += value
            row[2] += 1


class Window:
    """Quantiles of what came in the last minute."""

    def __init__(self, seconds):
        self.seconds, self.values = seconds, collections.deque()

    def add(self, now, value):
        self.values.append((now, value))
        while self.values[0][0] < now - self.seconds:
            self.values.popleft()

    def quantile(self, q):
        ordered = sorted(value for _, value in self.values)
        return ordered[min(int(q * len(ordered)), len(ordered) - 1)] if ordered else math.nan


class Metrics:
    def __init__(self):
        self.series, self.windows, self.alarms = {}, {}, collections.deque(maxlen=100)
        self.raised = 0

    def observe(self, now, route, status, seconds):
        key = route, status // 100
        if key not in self.series:
            self.series[key] = Series()
            self.windows[key] = Window(60)
        self.series[key].add(now, seconds)
        self.windows[key].add(now, seconds)

    def check(self, now):
        for key, window in self.windows.items():
            slow = window.quantile(0.95)
            if slow > 1.2:
                self.raised += 1
                self.alarms.append({"at": now, "route": key[0], "p95": slow, "seen": len(window.values)})

    def page(self):
        return "\n".join(f'latency{{route="{route}",status="{status}xx"}} {window.quantile(0.5):.4f}'
                         for (route, status), window in self.windows.items())


rng = random.Random(15)
metrics, now, pages = Metrics(), 0.0, 0
routes = [f"/api/v1/thing{n}" for n in range(8)]
for n in range(int(400_000 * SIZE)):
    now += rng.expovariate(20)
    metrics.observe(now, rng.choice(routes), rng.choice((200, 200, 200, 404, 503)), rng.expovariate(2.2))
    if n % 2500 == 0:
        metrics.check(now)
        pages += metrics.page().count("\n")
print(pages > 0, len(metrics.series) == 24, len(metrics.alarms) <= 100)
