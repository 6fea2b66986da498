"""Healthy: a module is made again and again under one name; a few classes are made and dropped."""
import sys
import types

SCRIPT = "table = list(range(500))\ndef run(value):\n    return table[value % 500]\n"


def reload(number):
    module = types.ModuleType("current_rules")
    exec(SCRIPT, module.__dict__)
    sys.modules["current_rules"] = module
    made = type("Row", (), {"value": module.run(number)})
    return made.value


total = 0
for number in range(4_000):
    total += reload(number) + sum(i * i for i in range(1_200)) % 2
print(total)
