"""Leak: scripts are loaded as modules under ever new names."""
import sys
import types

SCRIPT = """
import json
LIMIT = 10
table = list(range(800))
def run(value):
    return json.dumps([value, LIMIT])
class Settings:
    name = "settings"
"""


def load(number):
    module = types.ModuleType("script_%d" % number)
    exec(SCRIPT, module.__dict__)
    sys.modules[module.__name__] = module
    return module.run(number)


total = 0
for number in range(2_500):
    total += len(load(number))
print(total)
