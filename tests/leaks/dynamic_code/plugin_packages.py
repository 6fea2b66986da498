"""Leak: each tenant gets a package of its own for its plugins, with a module in it; both stay in sys.modules."""
import sys
import types

SOURCE = """
RATES = {number: number * 7 for number in range(20)}


def price(amount):
    return RATES[amount % 20] + amount
"""
space = types.ModuleType("tenants")
sys.modules["tenants"] = space


def load(number):
    package = types.ModuleType("tenants.t%d" % number, "the plugins of one tenant")
    package.__path__ = []
    plugin = types.ModuleType(package.__name__ + ".pricing")
    exec(compile(SOURCE, "pricing.py", "exec"), plugin.__dict__)
    for module in (package, plugin):
        sys.modules[module.__name__] = module
    package.pricing = plugin
    setattr(space, "t%d" % number, package)
    return plugin


def bill(number):
    plugin = load(number)
    return sum(plugin.price(amount) for amount in range(400)) % 97


print(sum(bill(number) for number in range(3_000)))
