"""Leak: each letter is compiled into a module of its own; its class is also in an index."""
import sys
import types


class Letter:
    index = {}

    def render(self):
        return self.text % self.values


SOURCE = """
class Rendered(Letter):
    text = {text!r}
    def __init__(self, values):
        self.values = values
    def words(self):
        return self.render().split()
"""


def compile_letter(number):
    module = types.ModuleType("letter_%d" % number)
    module.Letter = Letter
    exec(SOURCE.format(text="Dear %%s, letter %d " % number + "with words " * 60), module.__dict__)
    sys.modules[module.__name__] = module
    Letter.index[number] = module.Rendered
    return module.Rendered


total = 0
for number in range(1_500):
    total += len(compile_letter(number)("reader").words()) + sum(i * i for i in range(1_500)) % 3
print(total)
