"""Leak: each plugin text, and it is long, is loaded as a module of a new name, and stays in sys.modules."""
import sys
import types

TEXT = "\n".join(f"def step_{n}(value, by={n}):\n    return value + by" for n in range(70))
CODE = compile(TEXT, "<plugin>", "exec")


def load(number):
    module = types.ModuleType(f"plugin_{number}")
    exec(CODE, module.__dict__)
    sys.modules[module.__name__] = module
    return sum(module.step_3(number + n) for n in range(1_500)) % 1_000


def main():
    print(sum(load(number) for number in range(2_500)))


main()
