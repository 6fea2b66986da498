"""Leak: a deque without a bound, meant as "the last few events"."""
import collections

recent = collections.deque()


def observe(number):
    recent.append(("event", number, bytearray(300)))
    return recent[-1][1] + sum(i * i for i in range(400)) % 2


def main():
    print(sum(observe(number) for number in range(30_000)))


main()
