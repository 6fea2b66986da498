"""Twin: a context variable of its own for each request, in a context that goes with the request."""
import contextvars


class Trail:
    def __init__(self, name):
        self.steps = contextvars.ContextVar(name)
        self.steps.set([])

    def note(self, text):
        self.steps.get().append(text)


def request(number):
    trail = Trail("steps")
    for step in range(8):
        trail.note("request %d, step %d: %s" % (number, step, "-" * 80))
    return len(trail.steps.get()) + sum(i * i for i in range(800)) % 7


print(sum(contextvars.copy_context().run(request, number) for number in range(8_000)))
