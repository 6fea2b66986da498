"""Leak: a frame is looked at in its own function, by a local of its own, and the collector is off."""
import gc
import sys

gc.disable()


def whereabouts(message):
    here = sys._getframe()
    rows = [message] * 100
    return "%s %s %d" % (here.f_back.f_code.co_filename[:0], message, len(rows))


def work(number):
    return len(whereabouts("step %d" % number)) + sum(i * i for i in range(600)) % 3


print(sum(work(number) for number in range(8_000)))
