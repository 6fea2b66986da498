"""Leak: the context's log of calls is a list that is shared by all and never cleared."""
import contextvars

calls = contextvars.ContextVar("calls")
calls.set([])


def call(number):
    calls.get().append("call %d" % number + "." * 400)
    return sum(i * i for i in range(1_500)) % 7


print(sum(call(number) for number in range(15_000)))
