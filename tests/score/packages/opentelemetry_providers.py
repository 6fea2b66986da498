"""A TracerProvider for each job registers its shutdown with atexit. Proper use: shut it down, which
takes it off again."""
import sys

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def job(number):
    seen = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    tracer = provider.get_tracer("jobs")
    for step in range(5):
        with tracer.start_as_current_span(f"step {step}") as span:
            span.set_attribute("job", number)
    spans = len(seen.get_finished_spans())
    if PROPER:
        provider.shutdown()
    return spans


print(sum(job(n) for n in range(int(600 * SIZE))))
