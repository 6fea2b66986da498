"""A prometheus_client counter with the user's id as a label: one child for each label value.
Proper use: a label with few values."""
import sys

from prometheus_client import Counter, Histogram

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
requests = Counter("requests", "Requests", ["path", "user"])
latency = Histogram("latency", "Latency", ["path"])


def handle(number):
    user = f"user-{number % 20 if PROPER else number}"
    requests.labels(path="/things", user=user).inc()
    latency.labels(path="/things").observe(number % 9 / 10)
    return sum(n % 5 for n in range(500))


print(sum(handle(n) for n in range(int(25_000 * SIZE))))
