"""A plugin host loads each version of a plugin as a module of its own: sys.modules keeps them all.
Proper use: the old version is removed."""
import importlib.util
import sys
from pathlib import Path

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
SOURCE = "TABLE = {n: 'entry %d' % n for n in range(60)}\ndef run(x):\n    return len(TABLE) + x\n"


def load(version):
    path = Path("plugin.py")
    path.write_text(SOURCE + f"VERSION = {version}\n")
    name = f"plugins.v{version}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    if PROPER:
        del sys.modules[name]
    return module.run(version)


sys.dont_write_bytecode = True
print(sum(load(n) for n in range(int(1500 * SIZE))))
