"""Decoy: classes enter themselves into a registry when the module is read; then they are used."""


class Shape:
    kinds = {}

    def __init_subclass__(cls, **rest):
        super().__init_subclass__(**rest)
        Shape.kinds[cls.__name__] = cls

    def area(self, size):
        return size


for number in range(300):
    body = {"weight": number, "area": lambda self, size: size * self.weight}
    type("Shape%d" % number, (Shape,), body)

names = sorted(Shape.kinds)
print(sum(Shape.kinds[names[number % 300]]().area(number) for number in range(2_000_000)))
