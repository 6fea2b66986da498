"""Healthy: the last error of a deep recursion is kept, and each replaces the one before."""
import sys

sys.setrecursionlimit(6_000)
last = None


def depth(tree):
    return 1 + depth(tree["inner"])


tree = {}
tree["inner"] = tree
for number in range(60):
    try:
        depth(tree)
    except RecursionError as error:
        last = error
print(type(last).__name__)
