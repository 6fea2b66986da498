"""heaplens.compat.objgraph: what it says against the collector's own answers and searches by hand."""

from __future__ import annotations

import collections
import contextlib
import gc
import io
import re
import subprocess
import sys
import weakref

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heaplens import _core
from heaplens.compat import objgraph


class Thing:
    pass


class Loud:
    """Says no to every question that an object can be asked."""

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None

    def __bool__(self):
        raise RuntimeError

    def __repr__(self):
        raise RuntimeError


KEPT: dict[str, object] = {}


@pytest.fixture(autouse=True)
def nothing_kept():
    yield
    KEPT.clear()
    gc.enable()


def run(program: str) -> str:
    """What the program prints, in an interpreter of its own."""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr[-2000:]
    return ran.stdout


# ---- counts --------------------------------------------------------------------------------------


def test_counts_are_those_of_a_loop_over_the_objects():
    objects = gc.get_objects()
    short = collections.Counter(type(o).__name__ for o in objects)
    long = collections.Counter(f"{type(o).__module__}.{type(o).__name__}" for o in objects)
    assert objgraph.typestats(objects) == short
    assert objgraph.typestats(objects, shortnames=False) == long
    assert list(objgraph.typestats(objects)) == list(dict.fromkeys(type(o).__name__ for o in objects))
    assert objgraph.count("dict", objects) == short["dict"]
    assert objgraph.count("builtins.dict", objects) == long["builtins.dict"]
    assert objgraph.most_common_types(None, objects) == sorted(
        short.items(), key=lambda item: item[1], reverse=True
    )
    assert [id(o) for o in objgraph.by_type("function", objects)] == [
        id(o) for o in objects if type(o).__name__ == "function"
    ]


def test_without_objects_it_counts_what_the_collector_knows():
    gc.collect()
    gc.disable()
    by_hand = collections.Counter(type(o).__name__ for o in gc.get_objects())
    stats = objgraph.typestats()
    # what the counting itself makes
    mine = {"list", "tuple", "dict", "set", "frame", "generator", "cell", "function", "Counter"}
    assert {k: n for k, n in stats.items() if k not in mine} == {
        k: n for k, n in by_hand.items() if k not in mine
    }
    assert all(abs(stats[k] - by_hand[k]) < 50 for k in mine & stats.keys())


def test_an_iterator_of_objects_will_do():
    assert objgraph.count("Thing", (Thing() for _ in range(7))) == 7
    assert objgraph.by_type("Thing", iter([1, "a"])) == []


def test_objects_that_answer_no_question_are_counted():
    KEPT["loud"] = [Loud() for _ in range(3)]
    assert objgraph.count("Loud") == 3
    assert len(objgraph.by_type(f"{__name__}.Loud")) == 3
    out = io.StringIO()
    objgraph.show_backrefs(KEPT["loud"][:1], max_depth=1, output=out)
    assert "Loud\\n(unrepresentable)" in out.getvalue()


def test_filter_chooses_what_counts():
    KEPT["things"] = things = [Thing() for _ in range(5)]
    things[0].chosen = True
    stats = objgraph.typestats(filter=lambda o: type(o) is Thing and hasattr(o, "chosen"))
    assert stats == {"Thing": 1}


def test_growth_is_more_than_ever_before():
    peaks: dict[str, int] = {}
    objgraph.growth(None, peaks)
    KEPT["things"] = [Thing() for _ in range(5)]
    before = peaks.get("Thing", 0)
    rows = {row[0]: row[1:] for row in objgraph.growth(None, peaks)}
    assert rows["Thing"] == (before + 5, 5) and peaks["Thing"] == before + 5
    KEPT["things"] = [Thing() for _ in range(3)]
    assert "Thing" not in {row[0] for row in objgraph.growth(None, peaks)}
    out = io.StringIO()
    KEPT["things"] = [Thing() for _ in range(9)]
    objgraph.show_growth(None, peaks, file=out)
    assert re.search(rf"^Thing +{before + 9} +\+4$", out.getvalue(), re.M)


# ---- new ids -------------------------------------------------------------------------------------


def test_new_ids_are_those_of_sets_kept_by_hand():
    class Odd:
        pass

    class Even(Loud):
        pass

    state: dict[str, object] = {}
    assert "list" in objgraph.get_new_ids(limit=0, _state=state)
    kinds = ("Odd", "Even")
    held: list[object] = KEPT.setdefault("held", [])
    before = {kind: set() for kind in kinds}
    for made, dropped in ((5, 0), (0, 2), (4, 4), (0, 0), (300, 1)):
        del held[:dropped]
        held.extend(Odd() if i % 2 else Even() for i in range(made))
        given_ids = objgraph.get_new_ids(limit=0, _state=state)
        for kind in kinds:
            now = {id(o) for o in held if type(o).__name__ == kind}
            assert given_ids.get(kind, set()) == now - before[kind]
            assert state["current"].get(kind, set()) == now
            assert state["old"].get(kind, set()) == before[kind]
            before[kind] = now
        assert objgraph.get_new_ids(skip_update=True, _state=state) is given_ids
    assert objgraph.at_addrs(given_ids["Odd"]) == [
        o for o in gc.get_objects() if id(o) in given_ids["Odd"]
    ]


def test_the_table_of_new_ids_adds_up():
    state: dict[str, object] = {}
    objgraph.get_new_ids(limit=0, _state=state)
    KEPT["things"] = [Thing() for _ in range(1000)]
    out = io.StringIO()
    objgraph.get_new_ids(limit=3, sortby="new", file=out, _state=state)
    lines = out.getvalue().splitlines()
    assert len(lines) == 7 and lines[3].split()[::3] == ["Thing", "+1000"]
    assert lines[0] == lines[2] == lines[6] == "=" * len(lines[0])
    assert "Thing" not in objgraph.get_new_ids(limit=0, shortnames=False, _state=state)["list"]
    assert objgraph.get_new_ids(limit=0, _state=state).keys() >= {"builtins.list", "builtins.dict"}
    assert "Thing" not in objgraph.get_new_ids(limit=0, _state=state)


# ---- before a collection ------------------------------------------------------------------------


def settled() -> bool:
    return bool(_core.core().settle())


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 12).flatmap(
        lambda n: st.tuples(
            st.lists(st.sampled_from(["list", "dict", "thing", "tuple"]), min_size=n, max_size=n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=3 * n),
            st.sets(st.integers(0, n - 1)),
        )
    )
)
def test_garbage_is_what_a_collection_finds(drawn_graph):
    """After it nothing that the collector follows has changed, either, if there was none."""
    kinds, edges, kept = drawn_graph
    gc.collect()
    gc.disable()
    holders = [[] for _ in kinds]
    nodes = []
    for i, kind in enumerate(kinds):
        node: object = holders[i]
        if kind == "dict":
            node = {0: holders[i], 1: (i, "atoms")}
        elif kind == "tuple":
            node = (holders[i],)
        elif kind == "thing":
            node = Thing()
            node.holder = holders[i]
        nodes.append(node)
    for source, target in edges:
        holders[source].append(nodes[target])
        holders[source].append(((source, target), (target,)))
    KEPT["kept"] = [nodes[i] for i in kept]
    node = nodes = holders = None
    answer = settled()
    followed = collections.Counter(map(type, gc.get_objects()))
    found = gc.collect()
    assert answer == (found == 0)
    if answer:
        still = collections.Counter(map(type, gc.get_objects()))
        assert [still[kind] for kind in (tuple, dict, Thing)] == [
            followed[kind] for kind in (tuple, dict, Thing)
        ]


def test_tuples_and_dicts_of_atoms_are_not_followed_as_after_a_collection():
    gc.collect()
    gc.disable()
    atoms = KEPT["atoms"] = [tuple([i, str(i)]) for i in range(9)]
    nested = KEPT["nested"] = [tuple([one, one]) for one in atoms]
    emptied = {"list": []}
    emptied["list"] = 0
    KEPT["emptied"] = emptied
    lists = KEPT["lists"] = [tuple([[]]) for _ in range(9)]
    assert settled()
    mine = [list(map(gc.is_tracked, each)) for each in (atoms, nested, lists, [emptied])]
    gc.collect()
    assert mine == [list(map(gc.is_tracked, each)) for each in (atoms, nested, lists, [emptied])]
    assert not any(mine[0]) and all(mine[2])


def test_no_collection_is_run_where_there_is_no_garbage():
    gc.collect()
    gc.disable()
    ran = []

    def notes(phase, info):
        ran.append(phase)

    gc.callbacks.append(notes)
    try:
        objgraph.growth(peak_stats={})
        assert not ran
        loop = Thing()
        loop.itself = loop
        gone = weakref.ref(loop)
        del loop
        objgraph.growth(peak_stats={})
        assert ran and gone() is None
    finally:
        gc.callbacks.remove(notes)


# ---- referrers -----------------------------------------------------------------------------------


def test_referrers_of_all_objects_are_those_of_gc():
    """Also their order; but for what the comparison itself makes."""
    said = run("""
import gc
from heaplens._core import core
inside = core()
class Thing: pass
def work():
    thing = Thing(); thing.me = thing
    yield [thing, thing, {thing: (thing,)}]
held = work(); kept = next(held); names = [str(i) for i in range(50)] * 2
gc.collect(); gc.disable()
def compare():
    objects = gc.get_objects()
    asked = objects + names
    handle = inside.backrefs_of(asked)
    known = set(map(id, objects))
    mine = {id(objects), id(asked), id(names)}
    compared = edges = 0
    for value in asked:
        theirs = [id(o) for o in gc.get_referrers(value) if id(o) in known or o is names]
        ours = [id(o) for o in inside.referrers(handle, value)]
        theirs, ours = ([i for i in ids if i not in mine] for ids in (theirs, ours))
        frames = {id(o) for o in inside.referrers(handle, value) if type(o).__name__ == 'frame'}
        frames |= {id(o) for o in gc.get_referrers(value) if type(o).__name__ == 'frame'}
        theirs, ours = ([i for i in ids if i not in frames] for ids in (theirs, ours))
        assert theirs == ours, (type(value), theirs, ours)
        compared += 1; edges += len(ours)
    print(compared, edges)
compare()
""")
    compared, edges = map(int, said.split())
    assert compared > 3000 and edges > compared


# ---- chains --------------------------------------------------------------------------------------


def is_same(wanted):
    wanted = id(wanted)
    return lambda value: id(value) == wanted


def test_chains_are_shortest():
    """What is there already is put away meanwhile, so that a collection is quick."""
    gc.collect()
    gc.freeze()
    try:
        chains_are_shortest()
    finally:
        gc.unfreeze()


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def chains_are_shortest(data):
    n = data.draw(st.integers(2, 12))
    pairs = st.tuples(st.integers(0, n - 1), st.integers(0, n - 1))
    edges = set(data.draw(st.lists(pairs, max_size=30)))
    depth = data.draw(st.integers(0, 6))
    nodes: list[object] = [[] if i % 2 else {} for i in range(n)]
    for a, b in edges:
        node = nodes[a]
        node.append(nodes[b]) if isinstance(node, list) else node.__setitem__(b, nodes[b])
    distance = {0: 0}  # backwards from the first
    queue = collections.deque([0])
    while queue:
        at = queue.popleft()
        for a, b in edges:
            if b == at and a not in distance:
                distance[a] = distance[at] + 1
                queue.append(a)
    apart = [id(nodes)]
    for k in range(n):
        is_node = is_same(nodes[k])
        back = objgraph.find_backref_chain(nodes[0], is_node, depth, apart)
        forth = objgraph.find_ref_chain(nodes[k], is_same(nodes[0]), depth, apart)
        if k in distance and distance[k] <= depth:
            for chain in (back, forth):
                assert len(chain) == distance[k] + 1
                assert chain[0] is nodes[k] and chain[-1] is nodes[0]
                for holder, held in zip(chain, chain[1:]):
                    assert any(o is held for o in gc.get_referents(holder))
        else:
            assert len(back) == 1 and back[0] is nodes[0]
            assert len(forth) == 1 and forth[0] is nodes[k]


def test_the_chain_to_a_module_ends_in_it():
    KEPT["deep"] = [{"a": [Thing()]}]
    thing = KEPT["deep"][0]["a"][0]
    chain = objgraph.find_backref_chain(thing, objgraph.is_proper_module)
    assert objgraph.is_proper_module(chain[0]) and chain[-1] is thing
    asked = objgraph.find_backref_chain(thing, lambda o: objgraph.is_proper_module(o))
    assert len(asked) == len(chain)


def test_a_leaf_of_a_tree_with_parent_pointers_has_its_chain():
    root = KEPT["root"] = {"parent": None, "children": []}
    level = [root]
    for _ in range(5):
        below = []
        for parent in level:
            for _ in range(8):
                child = {"parent": parent, "children": []}
                parent["children"].append(child)
                below.append(child)
        level = below
    leaf = level.pop()
    del level, below, child, parent, root
    chain = objgraph.find_backref_chain(leaf, objgraph.is_proper_module)
    assert [type(o).__name__ for o in chain] == ["module", "dict", "dict"] + ["dict", "list"] * 5 + ["dict"]


def test_a_predicate_for_nothing_finds_nothing():
    thing = KEPT["thing"] = Thing()
    assert objgraph.find_backref_chain(thing, lambda o: False) == [thing]
    assert objgraph.find_ref_chain(thing, lambda o: False) == [thing]
    assert objgraph.find_backref_chain(thing, lambda o: o is KEPT, max_depth=0) == [thing]
    assert objgraph.find_backref_chain(thing, lambda o: o is KEPT, extra_ignore=[id(KEPT)]) == [thing]
    assert objgraph.find_backref_chain(thing, lambda o: o is KEPT, max_depth=float("inf"))[0] is KEPT


def test_what_was_looked_at_is_let_go():
    """Also of frames and cells, which were there before what they refer to."""
    thing = KEPT["thing"] = Thing()
    before = sys.getrefcount(thing)
    gone = []
    for raises in (False, True, False):
        last = Thing()
        weakref.finalize(last, gone.append, 1)
        with contextlib.suppress(ZeroDivisionError):
            objgraph.find_backref_chain(last, lambda o: 1 / 0 if raises else False)
        with contextlib.suppress(ZeroDivisionError):
            drawn([last], highlight=lambda o: 1 / 0 if raises else False)
        objgraph.show_refs([last], output=io.StringIO())
        objgraph.get_new_ids(limit=0)
        objgraph.get_leaking_objects([last])
        del last
        gc.collect()
    assert len(gone) == 3
    assert sys.getrefcount(thing) == before


def test_what_a_predicate_raises_comes_out():
    with pytest.raises(ZeroDivisionError):
        objgraph.find_backref_chain(Thing(), lambda o: 1 / 0)
    with pytest.raises(RuntimeError):
        objgraph.find_backref_chain(Thing(), lambda o: Loud())


def test_objects_may_die_while_they_are_asked_about():
    said = run("""
import gc, io
from heaplens.compat import objgraph
class Thing: pass
held = {}
def build():
    held.clear()
    held['thing'] = thing = Thing()
    for i in range(300):
        held[i] = [[[thing]], {i: [thing]}]
def destroy(o):
    if held:
        held.clear(); gc.collect()
    junk = [[i] for i in range(100)]
    return False
build()
seen = []
def predicate(o):
    seen.append(type(o)); return destroy(o)
objgraph.find_backref_chain(held['thing'], predicate)
for what in ('filter', 'highlight', 'extra_info'):
    build()
    out = io.StringIO()
    objgraph.show_backrefs([held['thing']], output=out, too_many=50, **{what: lambda o: destroy(o) or True})
    assert out.getvalue().endswith('}\\n')
build()
assert objgraph.typestats(filter=lambda o: destroy(o) or True)
print(len(seen))
""")
    assert int(said) > 300


# ---- nothing refers to them ----------------------------------------------------------------------


def test_leaking_objects_are_those_that_nothing_refers_to():
    held, free = [Thing()], [[Thing()], {}]
    objects = [held[0], *free]
    assert [id(o) for o in objgraph.get_leaking_objects(objects)] == []  # this frame's list has them
    del held
    extra = objects.pop(0)
    leaking = objgraph.get_leaking_objects([extra])
    # before 3.11 this frame is an object, which the collector knows once somebody has asked for it
    assert leaking == [extra] or (leaking == [] and sys.version_info < (3, 11))
    del leaking
    KEPT["holder"] = [extra]
    assert objgraph.get_leaking_objects([extra]) == []
    assert objgraph.get_leaking_objects([]) == []
    gc.collect()
    gc.disable()
    everything = gc.get_objects()
    referred = {id(r) for o in everything for r in gc.get_referents(o)}
    by_hand = {id(o) for o in everything if id(o) not in referred}
    del everything  # it refers to all of them
    ids = {id(o) for o in objgraph.get_leaking_objects()}
    assert len(ids ^ by_hand) < 20 and len(by_hand) > 20


# ---- addresses -----------------------------------------------------------------------------------


def test_objects_are_found_by_their_addresses():
    KEPT["things"] = things = [Thing() for _ in range(100)]
    ids = [id(o) for o in things]
    assert objgraph.at(ids[3]) is things[3]
    for kind in (set, list, tuple, frozenset, dict.fromkeys):
        assert sorted(map(id, objgraph.at_addrs(kind(ids)))) == sorted(ids)
    assert len(objgraph.at_addrs(dict.fromkeys(ids).keys())) == 100
    assert objgraph.at(id("a string")) is None
    for odd in (0, -1, 1, 12, 2**70, ids[0] + 1, ids[0] + 8):
        assert objgraph.at(odd) is None
    assert objgraph.at_addrs([]) == []


# ---- graphs --------------------------------------------------------------------------------------


def drawn(objs, **how) -> str:
    out = io.StringIO()
    objgraph.show_backrefs(objs, output=out, **how)
    return out.getvalue()


def test_references_are_counted_without_our_own():
    thing = Thing()
    KEPT["lists"] = [[thing] for _ in range(6)]
    # and of this frame, and of the list it is asked with
    back = drawn([thing], refcounts=True, max_depth=0)
    out = io.StringIO()
    objgraph.show_refs([thing], refcounts=True, max_depth=0, output=out)
    label = f'o{id(thing)}[label="Thing [8]'
    assert label in back and label in out.getvalue()


def test_a_graph_has_an_edge_for_each_referrer():
    thing = Thing()
    KEPT.update(lists=[[thing] for _ in range(25)], named={"key": thing, 4: thing})
    text = drawn([thing], max_depth=1, too_many=100, extra_ignore=[id(KEPT)])
    sources = {int(i) for i in re.findall(rf"o(\d+) -> o{id(thing)}\b", text)}
    assert {id(o) for o in KEPT["lists"]} | {id(KEPT["named"])} <= sources
    assert f'o{id(KEPT["named"])} -> o{id(thing)} [label="key",weight=2];' in text
    few = drawn([thing], max_depth=1, too_many=10)
    assert len(re.findall(" -> ", few)) == 10 and "more backreferences" in few


def test_a_filter_for_nothing_draws_the_objects_alone():
    thing = KEPT["thing"] = Thing()
    text = drawn([thing], filter=lambda o: False)
    assert "->" not in text and text.count("label=") == 1


def test_a_chain_is_drawn_as_it_is():
    thing = KEPT["thing"] = Thing()
    out = io.StringIO()
    chain = objgraph.find_backref_chain(thing, lambda o: o is KEPT)
    objgraph.show_chain(chain, output=out)
    assert f'o{id(KEPT)} -> o{id(thing)} [label="thing",weight=2];' in out.getvalue()
    assert out.getvalue().count(" -> ") == 1


def test_without_graphviz_it_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    objgraph.show_refs([Thing()], filename=str(tmp_path / "x.png"))
    said = capsys.readouterr().out.splitlines()
    assert re.fullmatch(r"Graph written to .*\.dot \(\d+ nodes\)", said[0])
    assert said[1] == "Image renderer (dot) not found, not doing anything else"
    assert not (tmp_path / "x.png").exists()
    with contextlib.redirect_stdout(io.StringIO()) as out:
        objgraph.show_refs([Thing()], filename=str(tmp_path / "x.dot"))
    assert "not found" not in out.getvalue() and (tmp_path / "x.dot").read_text().endswith("}\n")


def test_both_an_output_and_a_file_are_too_many():
    with pytest.raises(ValueError, match="output and filename"):
        objgraph.show_refs([], filename="x.dot", output=sys.stdout)
