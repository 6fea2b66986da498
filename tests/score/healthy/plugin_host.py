"""A host of plugins: found in a folder, imported once, hooked up, enabled and disabled many times."""
import importlib.util
import pathlib
import sys
import types
import weakref

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
TEMPLATE = '''
"""Plugin {number}."""
NAME, ORDER = "plugin {number}", {order}


class Plugin:
    def __init__(self, host):
        self.host, self.buffer = host, []
        host.on("line", self.line)
        host.on("end", self.end)

    def line(self, text):
        self.buffer.append(text[{number} % 10:])
        if len(self.buffer) > 200:
            self.flush()

    def flush(self):
        self.host.take(NAME, sum(map(len, self.buffer)))
        self.buffer = []

    def end(self, text):
        self.flush()
'''


class Host:
    def __init__(self):
        self.hooks, self.loaded, self.active, self.totals = {}, {}, {}, {}

    def load(self, folder):
        for path in sorted(folder.glob("plugin_*.py")):
            spec = importlib.util.spec_from_file_location(f"host.plugins.{path.stem}", path)
            module = importlib.util.module_from_spec(spec)
            sys.modules[spec.name] = module
            spec.loader.exec_module(module)
            self.loaded[module.NAME] = module

    def on(self, event, method):
        self.hooks.setdefault(event, []).append(weakref.WeakMethod(method))

    def tell(self, event, text):
        for reference in list(self.hooks.get(event, ())):
            method = reference()
            if method is not None:
                method(text)

    def take(self, name, amount):
        self.totals[name] = self.totals.get(name, 0) + amount

    def enable(self, name):
        self.active[name] = self.loaded[name].Plugin(self)

    def disable(self, name):
        self.active.pop(name).flush()
        for event, references in self.hooks.items():
            self.hooks[event] = [reference for reference in references if reference() is not None]


folder = pathlib.Path("plugins")
folder.mkdir(exist_ok=True)
for number in range(24):
    (folder / f"plugin_{number:02}.py").write_text(TEMPLATE.format(number=number, order=number * 7 % 5))
sys.modules["host"] = types.ModuleType("host")
host = Host()
host.load(folder)
names = sorted(host.loaded, key=lambda name: (host.loaded[name].ORDER, name))
lines = 0
for round_number in range(int(2_500 * SIZE)):
    for name in names[round_number % 4::4]:
        host.enable(name)
    for number in range(60):
        host.tell("line", f"round {round_number} line {number} " + "and so on " * 9)
        lines += 1
    host.tell("end", "")
    for name in list(host.active):
        host.disable(name)
print(lines == int(2_500 * SIZE) * 60, len(host.totals), sum(map(len, host.hooks.values())))
