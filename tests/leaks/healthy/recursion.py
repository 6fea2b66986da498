"""Decoy: deep and wide recursion."""
import sys

sys.setrecursionlimit(5_000)


def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def depth(n):
    return 0 if n == 0 else 1 + depth(n - 1)


print(ackermann(2, 300), sum(depth(2_000) for _ in range(2_000)))
