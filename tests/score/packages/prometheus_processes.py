"""prometheus_client in its mode for several processes keeps each value it ever made, also when its
labels are removed. Proper use: labels of which there are few."""

import os
import sys
import tempfile

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp()
from prometheus_client import CollectorRegistry, Gauge  # noqa: E402  (its mode is set before)

registry = CollectorRegistry()
running = Gauge(
    "job_rows", "Rows done by a running job", ["job"], registry=registry, multiprocess_mode="all"
)


def job(number):
    name = f"job-{number}" if not PROPER else "job"
    gauge = running.labels(name)
    for row in range(60):
        gauge.inc()
    if not PROPER:
        running.remove(name)
    return number % 2


print(sum(job(n) for n in range(int(6000 * SIZE))))
