"""Leak: the context of each request is kept, to run callbacks in; it keeps the request's data."""
import contextvars

body = contextvars.ContextVar("body")
contexts = []


def request(number):
    body.set(bytearray(1_500))
    contexts.append(contextvars.copy_context())
    return sum(i * i for i in range(1_500)) % 7


def serve(number):
    return contextvars.Context().run(request, number)


print(sum(serve(number) for number in range(6_000)))
