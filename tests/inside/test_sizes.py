"""Bytes, lengths and bounds against sys.getsizeof and the objects themselves."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

import pytest
from heapview import PYTHON

SIZES = f"""
sys.path.insert(0, {str(Path(__file__).parent)!r})
import zoo
import json.decoder, decimal, fractions, xml.etree.ElementTree, http.client, unittest
kept = zoo.build()
gc.collect()
gc.disable()
objects = gc.get_objects()
everything = dict((id(o), o) for o in objects)
for o in objects:
    for r in gc.get_referents(o):
        everything.setdefault(id(r), r)
everything.pop(id(objects), None)
snapshot()
skip = (id(everything), id(globals()), id(said))
def look():  # a global that is a lazy import would be imported by being looked at
    for at, o in everything.items():
        if at not in skip:
            said["%x" % at] = sys.getsizeof(o)
look()
"""

# Types whose __sizeof__ leaves out what we count, or counts what we cannot see.
TRUER = (
    "_io.StringIO",  # no __sizeof__: its buffer
    "_io.BytesIO",  # its buffer is a node of its own
)
HEAP_TYPE = 2
OWN_SIZEOF = (
    "_io.Buffered",
    "itertools.",
    "_pickle.",
    "re.",
    "_ctypes",
    "xml.",
    "_json",
    "_struct",
    "StgDict",
    "numpy.",
)


def test_sizes_are_those_of_getsizeof(run) -> None:
    heap, said = run(SIZES)
    ours: dict[str, int] = defaultdict(int)
    theirs: dict[str, int] = defaultdict(int)
    different: dict[str, list] = defaultdict(list)
    for address, size in said.items():
        node = heap.nodes.get(int(address, 16))
        if node is None or node.type in TRUER or node.type.startswith(OWN_SIZEOF):
            continue
        if heap.types[node.type][0] & HEAP_TYPE and node.size > size:
            continue  # the block an instance keeps its attributes in; ints with a bigger class
        ours[node.type] += node.size
        theirs[node.type] += size
        if node.size != size:
            different[node.type].append((address, node.size, size))
    assert sum(theirs.values()) > 1_000_000
    wrong = {
        kind: (ours[kind], theirs[kind], rows[:3])
        for kind, rows in different.items()
        if abs(ours[kind] / theirs[kind] - 1) > 0.01
    }
    assert not wrong
    assert abs(sum(ours.values()) / sum(theirs.values()) - 1) < 0.01


def test_what_was_written_to_a_text_stream_is_its_own(run) -> None:
    heap, said = run("""
import io
stream = io.StringIO()
for number in range(3000): stream.write("a line of text, number %d\\n" % number)
snapshot()
said = {"stream": id(stream), "written": len(stream.getvalue())}
""")
    node = heap.nodes[said["stream"]]
    parts = [heap.nodes[edge.target] for edge in heap.edges[said["stream"]]]
    assert node.ext >= said["written"] or 3000 in [part.len for part in parts]


@pytest.mark.parametrize("during", [True, False])
def test_a_list_that_is_being_sorted_hides_what_is_in_it(run, during: bool) -> None:
    heap, said = run(f"""
inside = [[n] for n in range(50)]
def key(row):
    if {during} and row == [40]: snapshot()
    return -row[0]
inside.sort(key=key)
if not {during}: snapshot()
said = {{"list": id(inside)}}
""")
    assert heap.info["sorted"] == ("1" if during else "0")
    assert heap.nodes[said["list"]].len == (0 if during else 50)


def test_lengths_bounds_and_outside_memory(run) -> None:
    heap, said = run("""
import array, collections, functools, io
made = dict(
    items=list(range(100)), d={i: i for i in range(100)}, s=set(range(70)),
    ring=collections.deque([1] * 5, maxlen=9), free=collections.deque([1] * 5),
    raw=bytearray(5000), numbers=array.array("d", [0.0] * 300), text=io.StringIO("x" * 900))
made["text"].read(1)
@functools.lru_cache(maxsize=7)
def bounded(x): return x
@functools.lru_cache(maxsize=None)
def unbounded(x): return x
for i in range(20): bounded(i), unbounded(i)
made.update(bounded=bounded, unbounded=unbounded)
snapshot()
said = {k: id(v) for k, v in made.items()}
""")
    node = {name: heap.nodes[at] for name, at in said.items()}
    assert node["items"].len == 100 and not node["items"].bounded
    assert node["d"].len == 100 and node["d"].cap >= 100
    assert node["s"].len == 70
    assert (node["ring"].len, node["ring"].cap, node["ring"].bounded) == (5, 9, True)
    assert (node["free"].len, node["free"].bounded) == (5, False)
    assert node["raw"].len == 5000 and node["raw"].ext >= 5000 and node["raw"].size > 5000
    assert (node["numbers"].len, node["numbers"].ext >= 2400) == (300, True)
    assert node["text"].size > 900
    assert (node["bounded"].len, node["bounded"].cap, node["bounded"].bounded) == (7, 7, True)
    assert (node["unbounded"].len, node["unbounded"].bounded) == (20, False)
    labels = heap.labels(said["unbounded"])
    assert heap.nodes[labels["cache"][1]].type == "dict"
    assert heap.nodes[labels["func"][1]].type == "function"


def test_leaves_with_one_holder_are_folded(run) -> None:
    heap, said = run("""
floats = [float(i) for i in range(1000)]
numbers = [10**6 + i for i in range(500)]
names = ["name %d" % i for i in range(300)]
big = ["x" * 5000 + str(i) for i in range(3)]
shared = [1.5 + len(sys.argv)] * 40
mixed = {("key %d" % i): 2.5 * i for i in range(100)}
snapshot()
said = {k: id(globals()[k]) for k in ("floats", "numbers", "names", "big", "shared", "mixed")}
said["bytes"] = sum(map(sys.getsizeof, names))
said["one"] = id(shared[0])
""")
    assert heap.folds[said["floats"]] == {"float": (1000, 24000)}
    assert heap.folds[said["numbers"]] == {"int": (500, 14000)}
    assert heap.folds[said["names"]] == {"str": (300, said["bytes"])}
    assert not heap.folds[said["big"]] and len(heap.edges[said["big"]]) == 3
    assert heap.nodes[said["one"]].refcnt == 40
    assert [edge.target for edge in heap.edges[said["shared"]]] == [said["one"]] * 40
    folds = heap.folds[said["mixed"]]
    assert folds["str"][0] == 100 and folds["float"][0] == 100
    assert sum(n for rows in heap.folds.values() for n, _ in rows.values()) == int(
        heap.info["folded"]
    )


def test_kinds_of_keys(run) -> None:
    heap, said = run("""
import uuid
made = dict(
    rising={i * 3: 1 for i in range(100)}, down={-i: 1 for i in range(100)},
    words={"word%dx" % i: 1 for i in range(100)}, ids={str(uuid.uuid4()): 1 for i in range(100)},
    digits={"%05d" % i: 1 for i in range(100)}, paths={"/srv/%d" % i: 1 for i in range(100)},
    pairs={(i, 1): 1 for i in range(100)}, raw={b"%d" % i for i in range(100)},
    real={i + 0.5 for i in range(100)}, objects={object() for i in range(100)},
    mixed={**{i: 1 for i in range(50)}, **{str(i): 1 for i in range(50)}}, few={1: 1})
snapshot()
said = {k: id(v) for k, v in made.items()}
""")
    kinds = {name: heap.keys.get(at, (None, 0)) for name, at in said.items()}
    assert kinds["rising"][0] == 2 and kinds["down"][0] == 1
    assert [kinds[k][0] for k in ("words", "ids", "digits", "paths")] == [3, 4, 5, 6]
    assert kinds["pairs"] == (7, 2)
    assert [kinds[k][0] for k in ("raw", "real", "objects", "mixed")] == [8, 9, 10, 0]
    assert kinds["few"][0] is None


def test_arrays_of_numpy(run) -> None:
    import subprocess

    import pytest

    if subprocess.run([PYTHON, "-c", "import numpy"], capture_output=True).returncode:
        pytest.skip("no numpy here")
    heap, said = run("""
import numpy
own = numpy.zeros((100, 10))
view = own[5:]
objects = numpy.array([[1], {"a": 2}, None], dtype=object)
snapshot()
said = {"own": id(own), "view": id(view), "objects": id(objects),
        "items": [id(objects[0]), id(objects[1])]}
""")
    assert heap.nodes[said["own"]].ext == 8000
    assert heap.nodes[said["view"]].ext == 0
    assert any(e.kind == 14 and e.target == said["own"] for e in heap.edges[said["view"]])
    assert {e.target for e in heap.edges[said["objects"]]} >= set(said["items"])
