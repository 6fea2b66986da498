"""Labels, roots, types: what a reference is called."""

from __future__ import annotations

from heapview import (
    ATTR,
    CELL,
    FRAME_ROOT,
    GARBAGE_ROOT,
    INDEX,
    INTERP_ROOT,
    KEY,
    MODULE_ROOT,
    NAMED,
    SLOT,
    STATIC,
    THREAD_ROOT,
    TYPE,
    TYPE_ROOT,
    VALUE,
    WEAK,
)


def only(heap, at: int, kind: int) -> list[int]:
    return [edge.target for edge in heap.edges[at] if edge.kind == kind]


def test_what_people_call_it(run) -> None:
    heap, said = run("""
import functools, weakref
class Store:
    cache = {}
    def __init__(self): self.items = [self]
class Slotted:
    __slots__ = ("left", "__hidden")
    def __init__(self): self.left, self.__hidden = [1], [2]
def make(big):
    def inner(x, opt=[[]], *, kw=[[]]): return big
    return inner
f = make([1, 2])
f.attribute = [3]
store, slotted = Store(), Slotted()
part = functools.partial(f, [1], key=[2])
pair = ([1], [2])
plain = {"secret": [1], 7: [2]}
weak = weakref.ref(store)
try:
    raise ValueError([1])
except ValueError as e:
    error = e
snapshot()
said = {k: id(globals()[k]) for k in ("f", "store", "slotted", "part", "pair", "plain", "weak", "error", "Store", "make")}
said["items"], said["left"], said["hidden"] = id(store.items), id(slotted.left), id(slotted._Slotted__hidden)
said["main"], said["dict"], said["cache"] = id(sys.modules["__main__"]), id(globals()), id(Store.cache)
said["bound"], said["first"] = id(f.__closure__[0].cell_contents), id(pair[0])
said["self"] = id(error.__traceback__.tb_frame)
""")
    module = heap.labels(said["main"])
    assert module["__dict__"] == (NAMED, said["dict"])
    names = heap.labels(said["dict"])
    assert names["store"] == (KEY, said["store"]) and names["Store"] == (KEY, said["Store"])
    assert (MODULE_ROOT, said["main"], "__main__") in [root[:3] for root in heap.roots]
    f = heap.labels(said["f"])
    for name in (
        "__code__",
        "__globals__",
        "__defaults__",
        "__kwdefaults__",
        "__closure__",
        "__dict__",
    ):
        assert f[name][0] == NAMED, name
    assert heap.labels(f["__kwdefaults__"][1])["kw"][0] == KEY
    assert heap.labels(f["__dict__"][1])["attribute"][0] == KEY
    (cell,) = only(heap, f["__closure__"][1], INDEX)
    assert only(heap, cell, CELL) == [said["bound"]]
    store = heap.labels(said["store"])
    if "items" in store:
        assert store["items"] == (ATTR, said["items"])
    else:
        assert heap.labels(store["__dict__"][1])["items"] == (KEY, said["items"])
    assert only(heap, said["store"], TYPE) == [said["Store"]]
    slotted = heap.labels(said["slotted"])
    assert slotted["left"] == (SLOT, said["left"])
    assert slotted["_Slotted__hidden"] == (SLOT, said["hidden"])
    cls = heap.labels(said["Store"])
    assert heap.labels(cls["__dict__"][1])["cache"] == (KEY, said["cache"])
    part = heap.labels(said["part"])
    assert part["func"] == (NAMED, said["f"]) and "args" in part and "keywords" in part
    assert (said["first"], "1") in [(e.target, e.value) for e in heap.edges[said["pair"]]]
    assert not any(edge.kind == KEY for edge in heap.edges[said["plain"]])
    assert {e.value for e in heap.edges[said["plain"]] if e.kind == VALUE} == {"str", "int"}
    assert only(heap, said["weak"], WEAK) == [said["store"]]
    error = heap.labels(said["error"])
    frame = heap.labels(error["__traceback__"][1])
    assert frame["tb_frame"] == (NAMED, said["self"])
    assert heap.nodes[said["store"]].type == "__main__.Store"


def test_strings_stay_in_the_program(run, tmp_path) -> None:
    run("""
password = "correct horse battery staple"
table = {"customer %d" % i: ["order %d" % i] for i in range(100)}
class Box: pass
box = Box()
box.visible_attribute = "hidden contents"
snapshot()
""")
    import subprocess

    from heapview import find_dump

    dump = find_dump()
    if dump is None:
        return
    text = subprocess.run([dump, str(tmp_path / "heap.hlens"), "0"], capture_output=True).stdout
    assert b"visible_attribute" in text and b"password" in text
    for secret in (b"correct horse", b"customer", b"order 1", b"hidden contents"):
        assert secret not in text


def test_roots(run) -> None:
    heap, said = run("""
import threading, contextvars, atexit
var = contextvars.ContextVar("v")
var.set([1])
local = threading.local()
local.x = [1]
kept = ["atexit"]
atexit.register(lambda held=kept: None)
gc.garbage.append([1])
snapshot()
gc.garbage.clear()
said = {"garbage": id(gc.garbage), "int": id(int), "kept": id(kept)}
""")
    kinds = {kind for kind, *_ in heap.roots}
    assert kinds >= {MODULE_ROOT, TYPE_ROOT, FRAME_ROOT, THREAD_ROOT, INTERP_ROOT, GARBAGE_ROOT}
    named = {(kind, at): name for kind, at, name, *_ in heap.roots}
    assert named[GARBAGE_ROOT, said["garbage"]] == "gc.garbage"
    assert named[TYPE_ROOT, said["int"]] == "int"
    modules = {name for kind, _, name, *_ in heap.roots if kind == MODULE_ROOT}
    assert {"sys", "builtins", "__main__", "threading"} <= modules
    line = next(root[4] for root in heap.roots if root[0] == FRAME_ROOT and root[2] == "<module>")
    assert line == 16


def test_code_objects(run) -> None:
    heap, said = run("""
class Outer:
    def method(self, a, b=1, *args, key=2, **more):
        local = a
        def inner(x): return local, b, x
        return inner
inner = Outer().method(1)
snapshot()
said = {"method": id(Outer.method.__code__), "inner": id(inner.__code__)}
""")
    name, qualname, file, line, args, kwonly, variables, free = heap.codes[said["method"]]
    assert name == "method" and file.endswith("program.py") and (args, kwonly) == ("3", "1")
    assert qualname in ("Outer.method", "method") and int(line) == 9
    assert variables.split(",")[:4] == ["self", "a", "b", "key"]
    assert sorted(heap.codes[said["inner"]][7].split(",")) == ["b", "local"]


def test_types(run) -> None:
    heap, said = run("""
class Finalized:
    class Inner: pass
    def __del__(self): pass
class Meta(type): pass
class Made(metaclass=Meta): pass
class Bad(Exception): pass
kept = [Finalized(), Finalized.Inner(), Made(), Bad()]
import collections
od = collections.OrderedDict(), collections.deque()
snapshot()
said = {"Finalized": id(Finalized), "int": id(int)}
""")
    flags = {name: row[0] for name, row in heap.types.items()}
    assert heap.types["__main__.Finalized"][1] == said["Finalized"]
    assert flags["__main__.Finalized"] & 4 and not flags["__main__.Finalized.Inner"] & 4
    assert flags["__main__.Bad"] & 16 and flags["__main__.Meta"] & 32
    assert flags["dict"] & 64 and flags["list"] & 128 and flags["tuple"] & 256
    assert flags["collections.OrderedDict"] & 64 and "collections.deque" in flags
    assert heap.types["int"][1] == said["int"]
    assert heap.nodes[said["int"]].flags & STATIC


def test_what_waits_and_what_a_thread_or_a_context_has(run) -> None:
    heap, said = run("""
import asyncio, contextvars, threading
local = threading.local()
local.mine = [1]
class Own(threading.local):
    def __init__(self): self.theirs = [2]
own = Own()
variables = [contextvars.ContextVar("v%d" % i) for i in range(40)]
log = contextvars.ContextVar("log", default=[3])
values = {}
for variable in variables:
    value = [variable]
    values[variable.name] = id(value)
    variable.set(value)
token = log.set([4])
old = log.set([5])
del value
async def wait(what):
    mine = [what]
    await what
async def main():
    said["loop"] = id(asyncio.get_running_loop())
    future, done = asyncio.get_running_loop().create_future(), asyncio.get_running_loop().create_future()
    done.set_result([6])
    one, two = asyncio.ensure_future(wait(future)), asyncio.ensure_future(wait(future))
    await asyncio.sleep(0)
    said["future"], said["done"], said["one"] = id(future), id(done), id(one)
    said["coro"] = id(one.get_coro())
    snapshot()
    future.set_result(None)
    await one; await two
asyncio.run(main())
said.update({k: id(globals()[k]) for k in ("local", "own", "log", "token", "old")})
said["values"] = values
said["mine"], said["theirs"] = id(local.mine), id(own.theirs)
""")
    for name, value in ("local", "mine"), ("own", "theirs"):
        dicts = heap.labels(said[name])["__dict__"][1]
        attributes = heap.labels(dicts)["__dict__"]
        assert attributes[0] == NAMED
        assert heap.labels(attributes[1])[value] == (KEY, said[value])
    task = heap.labels(said["one"])
    assert task["_coro"] == (NAMED, said["coro"])
    assert task["_fut_waiter"] == (NAMED, said["future"])
    assert task["_loop"] == (NAMED, said["loop"])
    assert heap.nodes[task["_context"][1]].type.endswith("Context")
    assert "_callbacks" in heap.labels(said["future"])
    assert heap.nodes[heap.labels(said["done"])["_result"][1]].type == "list"
    log = heap.labels(said["log"])
    assert heap.nodes[log["default"][1]].type == "list"
    assert heap.labels(said["old"])["var"] == (NAMED, said["log"])
    assert heap.nodes[heap.labels(said["old"])["old_value"][1]].type == "list"
    context = task["_context"][1]
    found, todo = {}, [heap.labels(context)["variables"][1]]
    while todo:
        for edge in heap.edges[todo.pop()]:
            if heap.nodes[edge.target].type.startswith("hamt"):
                todo.append(edge.target)
            elif edge.kind == NAMED:
                found[edge.value] = edge.target
    assert said["values"].items() <= found.items()
    assert "log" in found
