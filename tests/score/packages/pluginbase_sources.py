"""A persistent plugin source of pluginbase stays in sys.modules. Proper use: cleanup()."""

import os
import sys
import tempfile
from pluginbase import PluginBase

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
base = PluginBase(package="shop_plugins")
folder = tempfile.mkdtemp()
with open(os.path.join(folder, "pricing.py"), "w") as f:
    f.write("RATES = list(range(50))\n\n\ndef price(amount):\n    return amount * 2\n")


def tenant(number):
    source = base.make_plugin_source(
        searchpath=[folder], identifier=f"tenant-{number}", persist=True
    )
    with source:
        pricing = source.load_plugin("pricing")
        total = sum(pricing.price(number + n) for n in range(800)) % 97
    if PROPER:
        source.cleanup()
    return total


print(sum(tenant(n) for n in range(int(10_000 * SIZE))))
