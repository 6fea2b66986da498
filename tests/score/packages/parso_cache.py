"""parso keeps the tree of every path it has parsed with its cache on. Proper use: cache=False."""
import sys
from pathlib import Path

import parso

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
grammar = parso.load_grammar()


def functions(number):
    path = Path(f"module{number}.py").absolute()
    path.write_text("".join(f"def f{n}(a, b={n}):\n    return a + b * {number}\n" for n in range(6)))
    tree = grammar.parse(path=path, cache=not PROPER)
    path.unlink()
    return sum(1 for _ in tree.iter_funcdefs())


print(sum(functions(n) for n in range(int(550 * SIZE))))
