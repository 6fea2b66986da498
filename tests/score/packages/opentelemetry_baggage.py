"""OpenTelemetry: each order attaches a context with its own baggage and never detaches it, so the next
one is made of all before it. Proper use: detach() the token."""
import sys

from opentelemetry import baggage, context

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def handle(number):
    note = f"order {number} of the day " * 40
    token = context.attach(baggage.set_baggage(f"order {number}", note))
    known = len(baggage.get_all())
    if PROPER:
        context.detach(token)
    return known


print(max(handle(n) for n in range(int(6000 * SIZE))))
