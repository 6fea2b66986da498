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
        return kind in (LOCAL, STACK, INTERNAL)
    return kind == BASE or (holder == "numpy.ndarray" and kind == INDEX)


def test_every_edge_the_collector_sees(run) -> None:
    result: Run = run(REFERENTS)
    heap = result.heap
    wrong = []
    assert len(result.said) > 1000
    for address, (name, referents) in result.said.items():
        at = int(address, 16)
        if at not in heap.nodes:
            wrong.append(f"{name} {address}: not a node")
            continue
        node = heap.nodes[at]
        seen = Counter(
            edge.target
            for edge in heap.edges[at]
            if heap.nodes[edge.target].type not in ("int", "str", "float", "bytes", "complex")
        )
        missing = Counter(referents) - seen
        extra = seen - Counter(referents)
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
