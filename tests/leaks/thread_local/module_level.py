"""Leak: a per-thread log is filled and never emptied; its thread lives as long as the program."""
import threading

state = threading.local()


def remember(number):
    try:
        seen = state.seen
    except AttributeError:
        seen = state.seen = []
    seen.append("request %d" % number + "." * 400)
    return sum(i * i for i in range(1_500)) % 7


print(sum(remember(number) for number in range(15_000)))
