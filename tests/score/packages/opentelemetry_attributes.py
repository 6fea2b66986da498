"""An OpenTelemetry counter with a request id among its attributes: one aggregation for each set.
Proper use: attributes with few values."""
import sys

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
provider = MeterProvider(metric_readers=[InMemoryMetricReader()])
counter = provider.get_meter("shop").create_counter("requests")


def handle(number):
    counter.add(1, {"path": "/things", "request.id": f"r-{number % 30 if PROPER else number}"})
    return sum(n % 5 for n in range(400))


print(sum(handle(n) for n in range(int((4000 if PROPER else 8000) * SIZE))))
