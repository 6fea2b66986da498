"""astroid 2 keeps what it inferred of every module it ever parsed; 3.3 bounds it."""
import sys

import astroid

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]

TEXT = """
import collections
Pair = collections.namedtuple("Pair", "left right")
pairs = [Pair(n, dict(size=n)) for n in range({n})]
total = sum([{n}, 1]) if isinstance(pairs, list) else int("{n}")
"""


def examine(number):
    found = 0
    for call in astroid.parse(TEXT.format(n=number)).nodes_of_class(astroid.nodes.Call):
        try:
            found += len(list(call.infer()))
        except astroid.InferenceError:
            pass
    return found


print(sum(examine(n) for n in range(int(250 * SIZE))))
