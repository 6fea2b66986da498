"""Leak: carts are put into a register under a name made for each, from which calls find them, and
nobody takes one out when it is paid."""
import uuid
import weakref


class Cart:
    def __init__(self, number):
        self.lines = ["cart %d line %d" % (number, i) for i in range(12)]

    def total(self):
        return sum(len(line) for line in self.lines)


class Server:
    def __init__(self):
        self.objects = {}

    def register(self, thing, name=None, weak=False):
        if not name:
            name = "obj_" + uuid.uuid4().hex
        if name in self.objects:
            raise KeyError(name)
        self.objects[name] = thing if not weak else weakref.ref(thing)
        return name

    def unregister(self, name):
        if name in self.objects:
            del self.objects[name]

    def call(self, name):
        thing = self.objects.get(name)
        if isinstance(thing, weakref.ref):
            thing = thing()
        return thing.total()


def pay(server, number):
    name = server.register(Cart(number))
    return server.call(name) + sum(i * i for i in range(1_500)) % 3


def main():
    server = Server()
    shared = server.register(Cart(0), "shared", weak=False)
    total = 0
    for number in range(6_000):
        total += pay(server, number)
    server.unregister(shared)
    print(total)


main()
