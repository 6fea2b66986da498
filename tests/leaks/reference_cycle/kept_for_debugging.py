"""Leak: a debugging flag was left in; the collector puts all it finds into gc.garbage."""
import gc

gc.set_debug(gc.DEBUG_SAVEALL)


class Node:
    def __init__(self, number):
        self.itself = self
        self.values = [number + i for i in range(60)]


print(sum(len(Node(number).values) + sum(i * i for i in range(600)) % 2
          for number in range(9_000)))
