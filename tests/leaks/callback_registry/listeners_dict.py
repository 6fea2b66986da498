"""Leak: subscriptions are objects with a callback, under ever new numbers in a class attribute."""
import itertools


class Subscription:
    def __init__(self, topic, callback):
        self.topic = topic
        self.callback = callback


class Broker:
    subscriptions = {}
    numbers = itertools.count()

    @classmethod
    def listen(cls, topic, callback):
        cls.subscriptions[next(cls.numbers)] = Subscription(topic, callback)


class Page:
    def __init__(self, number):
        self.text = "page %d " % number * 90

    def changed(self, event):
        return event in self.text


def visit(number):
    page = Page(number)
    Broker.listen("change", page.changed)
    return page.changed("page") + sum(i * i for i in range(800)) % 2


print(sum(visit(number) for number in range(14_000)))
