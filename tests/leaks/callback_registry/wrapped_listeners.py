"""Leak: an engine wraps each listener in a function of its own; nobody takes one off."""


class Engine:
    def __init__(self):
        self.before = []

    def listen(self, listener):
        def wrapped(statement):
            listener(statement)
            return statement

        self.before.append(wrapped)

    def run(self, statement):
        for listener in self.before:
            statement = listener(statement)
        return len(statement)


class Request:
    def __init__(self, engine, number):
        self.body = bytearray(4_000)
        self.seen = 0
        engine.listen(self.note)

    def note(self, statement):
        self.seen += 1


engine = Engine()
total = 0
for number in range(4_000):
    Request(engine, number)
    total += engine.run("select %d" % number)
print(total)
