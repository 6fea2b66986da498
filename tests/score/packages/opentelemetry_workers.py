"""A BatchSpanProcessor that is not shut down keeps its thread. Proper use: one for all
jobs."""

import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Quiet(SpanExporter):
    def export(self, spans):
        return SpanExportResult.SUCCESS


def make_provider():
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(Quiet()))
    return provider


shared = make_provider() if PROPER else None


def tenant_job(number):
    provider = shared or make_provider()
    tracer = provider.get_tracer("jobs")
    for step in range(30):
        with tracer.start_as_current_span(f"step {step}"):
            sum(n * n for n in range(200))
    return number % 2


print(sum(tenant_job(n) for n in range(int(250 * SIZE))))
if shared:
    shared.shutdown()
