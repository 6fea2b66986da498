"""One of everything: objects whose references the walk must see exactly as the collector does."""

import array
import asyncio
import collections
import contextvars
import ctypes
import datetime
import decimal
import enum
import functools
import inspect
import io
import itertools
import operator
import re
import struct
import sys
import threading
import types
import weakref
from collections import OrderedDict, defaultdict, deque


class Plain:
    def __init__(self, **words):
        self.__dict__.update(words)


class Inline:
    def __init__(self):
        self.first = [1]
        self.second = {"a": [2]}


class Slotted:
    __slots__ = ("left", "right", "__weakref__")


class SlottedChild(Slotted):
    __slots__ = ("more",)


class SlottedWithDict(Slotted):
    pass


class Meta(type):
    pass


class WithMeta(metaclass=Meta):
    shared = []
    cache = {}

    def method(self):
        return self

    @classmethod
    def make(cls):
        return cls()

    @staticmethod
    def free():
        return None

    @property
    def prop(self):
        return self

    @functools.lru_cache(maxsize=4)
    def bounded(self, x):
        return [x]


class ListChild(list):
    pass


class DictChild(dict):
    pass


class TupleChild(tuple):
    pass


class IntChild(int):
    pass


class StrChild(str):
    pass


class SetChild(set):
    pass


class DequeChild(deque):
    pass


class OrderedChild(OrderedDict):
    pass


class DefaultChild(defaultdict):
    pass


class ErrorChild(ValueError):
    pass


class SlottedDict(dict):
    __slots__ = ("extra",)


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Point(collections.namedtuple("Point", "x y")):
    __slots__ = ()


class Finalized:
    def __del__(self):
        pass


class Struct(ctypes.Structure):
    _fields_ = [("x", ctypes.c_int), ("p", ctypes.py_object)]


class Generic(list):
    __slots__ = ("note", "__dict__")


def closure(big):
    extra = {"k": [big]}

    def inner(x, *, option=[[]], **more):
        return big, extra, x, option

    return inner


def generator(data):
    local = [data]
    try:
        yield local
    finally:
        del data


def nested_stack(a):
    yield [a, (yield), {"k": (yield)}]


# since 3.14 what lies below a yield is often borrowed from the locals
def argument_waits(x, y):
    yield isinstance(x, (yield))


def method_waits(x, y):
    x.append((yield))


def operand_waits(x, y):
    return x + (yield) + y


def key_waits(x, y):
    return {1: x, 2: (yield), 3: y}


def annotated(a: list[int], b: dict[str, int] = {}) -> "set":
    return {a, *b}


async def coroutine(data):
    kept = {"data": data}
    await asyncio.sleep(3600)
    return kept


async def agen():
    held = [1]
    yield held


def error_with_frames():
    def deep(n):
        payload = [n]
        if not n:
            raise ErrorChild("x", payload)
        return deep(n - 1)

    try:
        deep(3)
    except ErrorChild as e:
        e.note = [e]
        try:
            raise KeyError([1]) from e
        except KeyError as chained:
            return chained


def outer_frame():
    import sys

    secret = [b"local"]
    return sys._getframe(), secret


def build():
    keep = []
    add = keep.append
    for n in range(3):
        p = Plain(a=[n], b=Inline())
        p.c = p
        add(p)
        add(Inline())
    materialised = Inline()
    materialised.__dict__["third"] = [3]
    add(materialised)
    for shape in (argument_waits, method_waits, operand_waits, key_waits):
        for _ in range(3):
            waiting = shape([shape], [[1]])
            next(waiting)
            add(waiting)
    finished = generator([1])
    for _ in finished:
        pass
    add([finished, annotated, annotated.__annotations__])
    if sys.version_info >= (3, 15):
        frozen = frozendict  # noqa: F821
        add(frozen(a=[1], b=[2]))
        add(frozen({i: [i] for i in range(300)}))
        add(frozen({f"key {i}": [i] for i in range(300)}))
    looked = Inline()
    vars(looked)
    add(looked)
    replaced = Inline()
    replaced.__dict__ = {"other": [1]}
    add(replaced)
    deleted = Inline()
    del deleted.first
    add(deleted)
    many = Plain()
    for i in range(60):
        setattr(many, f"attribute_{i}", [i])
    add(many)
    for kind in (Slotted, SlottedChild, SlottedWithDict):
        s = kind()
        s.left = s
        s.right = [s]
        if kind is SlottedChild:
            s.more = {"x": s}
        if kind is SlottedWithDict:
            s.free = [1]
        add(s)
    for kind in (
        ListChild,
        DictChild,
        TupleChild,
        IntChild,
        StrChild,
        SetChild,
        OrderedChild,
        DefaultChild,
        DequeChild,
        Generic,
    ):
        o = kind()
        o.attribute = [kind]
        add(o)
    big = IntChild(10**60)
    big.attribute = [1]
    add(big)
    three = TupleChild(([1], [2], [3]))
    three.attribute = [1]
    add(three)
    sd = SlottedDict(k=[1])
    sd.extra = [2]
    add(sd)
    d = DefaultChild(list, {1: [1], "two": [2]})
    add(d)
    od = OrderedDict((("k%d" % i, [i]) for i in range(5)))
    od[("tuple", 1)] = [1]
    del od["k2"]
    add(od)
    add(OrderedChild(od))
    add(deque([[i] for i in range(200)], maxlen=150))
    add(deque([[1]]))
    add({(1, "a"): [1], frozenset([1]): [2], "k": [3], 1.5: [4]})
    changing = {"k%d" % i: [i] for i in range(20)}
    for i in range(0, 20, 3):
        del changing["k%d" % i]
    add(changing)
    s = {(i,) for i in range(100)} | {frozenset([i]) for i in range(20)}
    s.discard((5,))
    add(s)
    add(frozenset([(1, 2), "x"]))
    w = WithMeta()
    add(w)
    add(w.method)
    add(w.bounded(3))
    add(WithMeta.make)
    add([].append)
    add(closure([1, 2, 3]))
    add(functools.partial(closure, [1], key=[2]))
    wrapped = functools.wraps(closure)(lambda: [1])
    add(wrapped)
    cached = functools.lru_cache(maxsize=None)(lambda *a: list(a))
    cached(1)
    cached(1, (2, 3))
    add(cached)
    g = generator([1])
    next(g)
    add(g)
    add(generator([2]))
    g = nested_stack([3])
    next(g)
    add(g)
    done = generator([4])
    list(done)
    add(done)
    c = coroutine([5])
    add(c)
    a = agen()
    add(a)
    add(error_with_frames())
    add(outer_frame())
    add(types.SimpleNamespace(x=[1], y={"z": [2]}))
    add(types.MappingProxyType({"a": [1]}))
    target = Plain(x=[1])
    add(target)
    add(weakref.ref(target, lambda r, extra=[1]: None))
    add(weakref.ref(target))
    add(weakref.proxy(target))
    add(weakref.WeakValueDictionary(k=target))
    add(weakref.WeakKeyDictionary({target: [1]}))
    add(weakref.WeakMethod(w.method))
    add(memoryview(bytearray(100)))
    add(memoryview(array.array("d", [1.0] * 10)))
    add(bytearray(1000))
    add(array.array("i", range(100)))
    buffer = io.BytesIO()
    buffer.write(b"x" * 5000)
    add(buffer)
    text = io.StringIO()
    text.write("x" * 5000)
    add(text)
    add(io.BufferedReader(io.BytesIO(b"abc")))
    add(io.TextIOWrapper(io.BytesIO(b"abc")))
    add(itertools.count([1] and 1))
    add(itertools.chain([[1]], [[2]]))
    add(itertools.cycle([[1], [2]]))
    add(itertools.tee(iter([[1], [2]])))
    add(itertools.islice(iter([[1]]), 1))
    add(itertools.product([[1]], [[2]]))
    add(itertools.groupby([[1]], key=len))
    add(zip([[1]], [[2]]))
    add(map(closure, [[1]]))
    add(filter(None, [[1]]))
    add(enumerate([[1]]))
    add(reversed([[1]]))
    add(iter({"a": [1]}.items()))
    add({"a": [1]}.values())
    add(iter({1, 2}))
    add(slice([1], [2], [3]))
    add(range(10**30))
    add(operator.itemgetter("a", 1))
    add(operator.attrgetter("a.b"))
    add(operator.methodcaller("x", [1]))
    add(re.compile(r"(?P<name>x)|y"))
    add(re.match("(x)", "x"))
    add(datetime.datetime.now(datetime.timezone.utc))
    add(decimal.Decimal("1.5"))
    add(struct.Struct("ii"))
    add(threading.local())
    add(threading.Lock())
    add(threading.RLock())
    add(threading.Event())
    local = threading.local()
    local.value = [1]
    add(local)
    var = contextvars.ContextVar("var", default=[1])
    token = var.set([2])
    add((var, token))
    add(contextvars.copy_context())
    add(Colour.RED)
    add(Point([1], [2]))
    add(Struct(1, ctypes.py_object([1])))
    add(ctypes.pointer(ctypes.c_int(3)))
    add(ctypes.CFUNCTYPE(ctypes.c_int)(lambda: 1))
    add(Finalized())
    add(inspect.signature(closure))
    add(super(ListChild, ListChild()))
    add(property(closure, [1] and None))
    add(staticmethod(closure))
    add(classmethod(closure))
    add(object())
    add(NotImplemented)
    loop = asyncio.new_event_loop()
    future = loop.create_future()
    future.add_done_callback(lambda f, kept=[1]: None)

    add(future)
    add(loop)
    made = type("Made", (Plain,), {"__slots__": ("s",), "attr": [1]})
    m = made()
    m.s = [m]
    m.t = [m]
    add(made)
    add(m)
    add(Exception(Exception([1])))
    add(StopIteration([1]))
    add(OSError(1, "x", [1] and "f"))
    add(SyntaxError("x", ("f", 1, 2, "t")))
    add(UnicodeDecodeError("utf-8", b"x", 0, 1, "r"))
    add(ImportError("x", name="n", path="p"))
    untracked = {"a": 1, "b": ("x", 2.5)}
    add(untracked)
    add((1, 2, (3, 4)))
    c.cr_frame
    try:
        import numpy

        add(numpy.zeros(1000))
        add(numpy.zeros(1000)[10:])
        add(numpy.array([[1], {"a": 2}, None], dtype=object))
    except ImportError:
        pass
    return keep
