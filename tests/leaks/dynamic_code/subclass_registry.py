"""Leak: a base class registers all classes that inherit from it, and a function makes them anew."""


class Plugin:
    registry = {}

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Plugin.registry[len(Plugin.registry)] = cls

    def run(self, value):
        raise NotImplementedError


def plugin_for(number):
    class Doubling(Plugin):
        factor = number

        def run(self, value):
            return value * self.factor

    return Doubling()


print(sum(plugin_for(number % 9).run(number) + sum(i * i for i in range(1_600)) % 2
          for number in range(6_000)))
