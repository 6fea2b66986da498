"""Each BatchSpanProcessor was kept by os.register_at_fork() (open-telemetry/opentelemetry-python#4422)."""

import sys
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

# what each os.register_at_fork() leaves behind shows, rightly, when there are some thousands
SIZE = min(1.5, float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)


class Quiet(SpanExporter):
    def __init__(self):
        self.sent = 0

    def export(self, spans):
        self.sent += len(spans)
        return SpanExportResult.SUCCESS


def tenant_job(number):
    exporter = Quiet()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    tracer = provider.get_tracer("jobs")
    for step in range(20):
        with tracer.start_as_current_span(f"step {step}"):
            sum(n * n for n in range(200))
    provider.shutdown()
    return exporter.sent


print(sum(tenant_job(n) for n in range(int(600 * SIZE))))
