"""Leans on caches the interpreter bounds: re, fnmatch, typing, strptime, abc, linecache, functools."""
import abc
import collections
import datetime
import fnmatch
import functools
import linecache
import random
import re
import sys
import time
import traceback
import typing
import weakref
from pathlib import Path

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Shape(abc.ABC):
    @abc.abstractmethod
    def area(self):
        ...


@functools.singledispatch
def show(value):
    return repr(value)


@functools.lru_cache(maxsize=1000)
def gcd_sum(n):
    return sum(k for k in range(1, 200) if n % k == 0)


alive = weakref.WeakSet()


def one(rng, n):
    pattern = re.compile(rf"(a{{{n % 700}}}|b{n})[0-9]+")
    found = bool(pattern.search(f"b{n}7")) + fnmatch.fnmatch(f"file{n}.txt", f"*{n % 900}.txt")
    made = type(f"Shape{n}", (Shape,), {"area": lambda self: n})
    found += isinstance(made(), Shape) and show(made()) != ""
    alive.add(made)
    annotation = typing.Optional[typing.Dict[str, typing.Tuple[int, ...]]]
    found += typing.get_origin(annotation) is typing.Union
    day = datetime.datetime.strptime(f"2024-{n % 12 + 1:02d}-{n % 28 + 1:02d}", "%Y-%m-%d")
    point = collections.namedtuple("point", "x y z")(n, day.day, gcd_sum(n % 5000))
    try:
        raise KeyError(point)
    except KeyError:
        text = traceback.format_exc()
    return found + len(text)


rng, total = random.Random(1), 0
for n in range(int(8000 * SIZE)):
    total += one(rng, n)
    if n % 200 == 0:
        Path("now.py").write_text(f"x = {n}\n" * 50)
        linecache.checkcache("now.py")
        total += len(linecache.getlines("now.py"))
time.sleep(0)
print(total > 0)
