"""Leak: a singleton kept on its class; what grows is an attribute of the one instance."""


class Metrics:
    _only = None

    def __new__(cls):
        if cls._only is None:
            cls._only = super().__new__(cls)
            cls._only.points = []
        return cls._only

    def count(self, number):
        self.points.append({"number": number, "label": "point %d" % number})


def step(number):
    Metrics().count(number)
    return sum(i * i for i in range(120)) % 2


print(sum(step(number) for number in range(50_000)))
