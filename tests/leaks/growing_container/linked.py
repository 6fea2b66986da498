"""Leak: no container type at all, a linked list with a global head."""


class Link:
    __slots__ = ("value", "after")

    def __init__(self, value, after):
        self.value = value
        self.after = after


head = None


def push(number):
    global head
    head = Link("value number %d" % number * 10, head)
    return sum(i * i for i in range(120)) % 2


print(sum(push(number) for number in range(60_000)))
