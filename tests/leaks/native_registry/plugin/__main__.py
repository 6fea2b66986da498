"""Leak: each plugin that is loaded leaves a partial with its buffer at the door."""
from . import hooks


def load(number):
    buffer = hooks.on_exit("plugin %d" % number)
    return len(buffer) + sum(i * i for i in range(1_500)) % 7


print(sum(load(number) for number in range(5_000)))
