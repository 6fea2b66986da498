"""Leak: each job makes a context variable of its own for a text, which stays in the context."""
import contextvars


def job(number):
    note = contextvars.ContextVar("note")
    note.set("job %d: " % number + "-" * 900)
    return len(note.get()) + sum(i * i for i in range(800)) % 7


print(sum(job(number) for number in range(8_000)))
