"""The graph against the collector's own view of it, object by object."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from heapview import (
    DICTKEY,
    FRAME_ROOT,
    IMMORTAL,
    INTERNAL,
    LOCAL,
    NAMED,
    STACK,
    UNOWNED,
    WEAK,
    BASE,
    INDEX,
    Heap,
    Run,
)

REFERENTS = f"""
sys.path.insert(0, {str(Path(__file__).parent)!r})
import zoo
kept = zoo.build()
LEAVES = {{int, str, float, bytes, complex, bool, type(None), type(...), type(NotImplemented)}}
gc.collect()
gc.disable()
objects = gc.get_objects()
snapshot()
def look():
    skip = {{id(objects), id(globals()), id(said)}}
    for o in objects:
        if id(o) not in skip:
            said["%x" % id(o)] = [
                type(o).__name__, [id(r) for r in gc.get_referents(o) if type(r) not in LEAVES]]
look()
"""

# References an object owns that tp_traverse does not report: they cannot close a cycle, or the
# collector must not follow them.
OWNED_EXTRAS = {
    "__subclasses__", "__slots__", "ht_cached_keys", "__name__", "__qualname__", "buffer", "dtype",
}  # fmt: skip


def explained(kind: int, value: str, holder: str, target: str) -> bool:
    if kind in (WEAK, UNOWNED, DICTKEY):
        return True
    if holder in ("frame", "type", "code"):
        return True
    if holder.endswith(("Meta", "ABCMeta", "EnumMeta", "EnumType")):
        return True
    if kind == NAMED and value in OWNED_EXTRAS:
        return True
    if target == "functools._lru_list_elem":
        return kind == INTERNAL  # the ring of a bounded lru_cache
    if holder.endswith("OrderedDict") or holder.endswith("OrderedChild"):
        return kind == INTERNAL
    if kind == NAMED and value == "__dict__" and target == "dict":
        return True  # 3.13: a materialised dict whose values still lie in the instance
    if holder in ("generator", "coroutine", "async_generator"):
        # f_code while there is a frame, __code__ of what is done: 3.12 and 3.13.0 report neither
        return kind in (LOCAL, STACK, INTERNAL) or (
            kind == NAMED and value in ("f_code", "__code__")
        )
    return kind == BASE or (holder == "numpy.ndarray" and kind == INDEX)


def attributes_are_the_instances(
    heap: Heap, missed: dict[int, Counter], added: dict[int, Counter]
) -> None:
    """Since 3.13.1 the collector reports values that lie in an instance as its materialised dict's;
    we call them the instance's attributes."""
    for at, extra in added.items():
        for edge in heap.edges[at]:
            if edge.kind == NAMED and edge.value == "__dict__" and edge.target in missed:
                both = extra & missed[edge.target]
                extra -= both
                missed[edge.target] -= both


def test_every_edge_the_collector_sees(run) -> None:
    result: Run = run(REFERENTS)
    heap = result.heap
    wrong = []
    assert len(result.said) > 1000
    missed: dict[int, Counter] = {}
    added: dict[int, Counter] = {}
    for address, (name, referents) in result.said.items():
        at = int(address, 16)
        if at not in heap.nodes:
            wrong.append(f"{name} {address}: not a node")
            continue
        seen = Counter(
            edge.target
            for edge in heap.edges[at]
            if heap.nodes[edge.target].type not in ("int", "str", "float", "bytes", "complex")
        )
        missed[at], added[at] = Counter(referents) - seen, seen - Counter(referents)
    attributes_are_the_instances(heap, missed, added)
    for at, missing in missed.items():
        address, node, extra = f"{at:x}", heap.nodes[at], added[at]
        for target, n in missing.items():
            there = heap.nodes[target].type if target in heap.nodes else "?"
            wrong.append(f"{node.type} {address}: misses {n} of {there} {target:x}")
        for target, n in extra.items():
            edges = [edge for edge in heap.edges[at] if edge.target == target]
            there = heap.nodes[target].type
            if not any(explained(e.kind, e.value, node.type, there) for e in edges):
                wrong.append(f"{node.type} {address}: {n} too many of {there}: {edges}")
    assert not wrong, "\n".join(wrong[:40]) + f"\n{len(wrong)}"


def test_no_object_has_more_references_than_its_count(run) -> None:
    heap = run(REFERENTS).heap
    count = heap.in_edges()
    deficits = [
        (node.type, hex(at), node.refcnt, count[at])
        for at, node in heap.nodes.items()
        if not node.flags & IMMORTAL and count[at] > node.refcnt
    ]
    assert not deficits, deficits[:20]


def test_what_is_not_explained_is_little(run) -> None:
    heap = run(REFERENTS).heap
    count = heap.in_edges()
    roots = {root[1] for root in heap.roots}
    excess = Counter()
    tracked = 0
    for at, node in heap.nodes.items():
        if node.flags & IMMORTAL or at in roots or node.type in ("type", "str"):
            continue  # C code keeps types and interned strings for good
        tracked += 1
        if node.refcnt - count[at] > 0:
            excess[node.type] += 1
    assert sum(excess.values()) < tracked / 50, excess.most_common(20)


def test_frames_hold_their_locals(run) -> None:
    result = run("""
import threading, time
def work(n):
    mine = ["worker", n]
    ready.wait()
    hold.wait()
    return mine
def main():
    local = ["main"]
    cell = ["cell"]
    def inner():
        return cell
    def body():
        in_generator = ["running"]
        said["gen"] = id(in_generator)
        yield snapshot()
    g = body()
    said["local"], said["cell"], said["g"] = id(local), id(cell), id(g)
    next(g)
    return inner
hold = threading.Event()
ready = threading.Barrier(3)
threads = [threading.Thread(target=work, args=(i,)) for i in range(2)]
for t in threads: t.start()
ready.wait()
time.sleep(0.05)
main()
hold.set()
""")
    heap, said = result
    frames = [root for root in heap.roots if root[0] == FRAME_ROOT]
    named = {root[2] for root in frames}
    assert {"<module>", "main", "work"} <= named
    assert {root[3] for root in frames if root[2] == "work"} == {1, 2}
    main = next(root for root in frames if root[2] == "main")
    assert heap.nodes[main[1]].type == "frame" and main[3] == 0
    assert heap.labels(main[1])["local"] == (LOCAL, said["local"])
    cell = heap.labels(main[1])["cell"]
    assert cell[0] == LOCAL
    assert [edge.target for edge in heap.edges[cell[1]]] == [said["cell"]]
    running = next(root for root in frames if root[2].endswith("body"))
    assert running[1] == said["g"] and heap.nodes[running[1]].type == "generator"
    holders = {
        at for at, edges in heap.edges.items() if any(e.target == said["gen"] for e in edges)
    }
    assert holders
    for root in (r for r in frames if r[2] == "work"):
        kind, target = heap.labels(root[1])["mine"]
        assert kind == LOCAL and heap.nodes[target].type == "list"


def test_what_a_waiting_call_borrows_is_counted_once(run) -> None:
    """Below a yield in an expression lie references that since 3.14 nobody counts; a reference that
    was lost must show beside them, neither more nor less."""
    result = run("""
import ctypes, types
def f(*a): pass
@types.coroutine
def forever(): yield
def call(x): f(x, (yield))
def method(x): x.append((yield))
def display(x): [x, (yield)]
def nested(x): f([x, (yield)], x)
async def awaited(x): f(x, await forever())
waiting, held = [], []
for shape in (call, method, display, nested, awaited):
    for i in range(20):
        x = [shape.__name__, i]
        g = shape(x)
        g.send(None)
        waiting.append(g)
        held.append(x)
del x, g
for i in range(0, 100, 10):
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held[i]))
snapshot()
said["held"] = [id(x) for x in held]
""")
    count = result.heap.in_edges()
    surplus = [result.heap.nodes[at].refcnt - count[at] for at in result.said["held"]]
    assert surplus == [1 if i % 10 == 0 else 0 for i in range(100)]


def test_running_functions_and_what_they_were_lent(run) -> None:
    """Arguments may be borrowed from the caller's variables: held once, by who has them."""
    result = run("""
import threading, time
ready, go = threading.Barrier(5), threading.Event()
def inner(a, b):
    ready.wait()
    go.wait()
    return a, b
def outer(thing):
    mine = [thing]
    return inner(mine, thing)
things = [[i] for i in range(4)]
threads = [threading.Thread(target=outer, args=(t,)) for t in things]
for t in threads: t.start()
ready.wait()
time.sleep(0.1)
del t
snapshot()
said["things"] = [id(t) for t in things]
go.set()
""")
    count = result.heap.in_edges()
    surplus = [result.heap.nodes[at].refcnt - count[at] for at in result.said["things"]]
    assert all(0 <= n <= 1 for n in surplus), surplus
