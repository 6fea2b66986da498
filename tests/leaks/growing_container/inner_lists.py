"""Leak: eight customers, known from the start; the list of each grows for ever."""
import collections

orders = collections.defaultdict(list)


def order(number):
    orders["customer-%d" % (number % 8)].append("order %d of %d" % (number, number % 8) * 8)
    return sum(i for i in range(400)) % 3


print(sum(order(number) for number in range(60_000)))
