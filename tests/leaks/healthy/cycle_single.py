"""Decoy: one small cycle, dropped; one snapshot may see it, and it is no leak."""


class Head:
    def __init__(self):
        self.tail = None


class Tail:
    def __init__(self):
        self.head = None


head = Head()
tail = Tail()
head.tail = tail
tail.head = head
del head
del tail
