"""Leak: functools.cache on a function of two arguments, at module level."""
import functools


@functools.cache
def distance(start, end):
    return {"start": start, "end": end, "km": abs(start - end)}


total = 0
for number in range(50_000):
    total += distance(number, number * 7 % 1_000)["km"]
print(total)
