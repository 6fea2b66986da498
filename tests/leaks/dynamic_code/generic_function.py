"""Leak: a class is registered for each message with a function that dispatches by class."""
import functools


@functools.singledispatch
def describe(message):
    return "?"


def kind_of(number):
    class Message:
        size = number

    describe.register(Message)(lambda message: "message of %d" % message.size)
    return Message()


print(sum(len(describe(kind_of(number))) + sum(i * i for i in range(300)) % 2
          for number in range(4_000)))
