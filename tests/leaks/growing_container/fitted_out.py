"""Leak: a state machine puts methods of its own on each model, and keeps all models for ever."""
import functools


class Machine:
    def __init__(self):
        self.models = []

    def go(self, model, to):
        model.state = to
        return to

    def add(self, model):
        for name in ("open", "paid", "sent", "closed"):
            setattr(model, "to_" + name, functools.partial(self.go, model, name))
        self.models.append(model)


class Order:
    def __init__(self, number):
        self.number = number
        self.state = "new"
        self.note = "order %d" % number * 8


machine = Machine()


def handle(number):
    order = Order(number)
    machine.add(order)
    order.to_paid()
    return order.state


print(sum(len(handle(number)) for number in range(12_000)))
