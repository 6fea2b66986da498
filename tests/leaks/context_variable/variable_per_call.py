"""Leak: each request makes a context variable of its own, which stays in the context with its value."""
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


print(sum(request(number) for number in range(8_000)))
