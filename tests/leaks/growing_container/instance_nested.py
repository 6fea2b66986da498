"""Leak: application.backend.audit.entries, three objects down, slots on the way."""


class Audit:
    __slots__ = ("entries",)

    def __init__(self):
        self.entries = []


class Backend:
    __slots__ = ("audit", "hits")

    def __init__(self):
        self.audit = Audit()
        self.hits = 0

    def query(self, number):
        self.hits += 1
        self.audit.entries.append("query %d: " % number + "select * from t " * 20)
        return sum(i * i for i in range(400)) % 2


class Application:
    def __init__(self):
        self.backend = Backend()

    def request(self, number):
        return self.backend.query(number)


application = Application()
print(sum(application.request(number) for number in range(50_000)))
