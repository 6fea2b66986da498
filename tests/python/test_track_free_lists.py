"""heaplens.track(): an object out of a free list is its maker's; free lists work again afterwards."""

from __future__ import annotations

from tracked import PYTHON

import heaplens
from heaplens._core import core


def reuse() -> dict[str, tuple[int, int]]:
    """A leak between much that comes and goes: {type: (objects at their line, objects)}."""
    kept: list[object] = []

    class Marker:
        pass

    def churn(i: int) -> object:
        return [(i, j, None) for j in range(40)], [[(j, i) for j in range(20)], {}, {"a": i}, [i]]

    def leak(i: int) -> None:
        m = Marker()
        kept.append((m, [i], {"i": m}, (i, m)))

    for i in range(1500):
        churn(i)
        leak(i)
        churn(i)
    rows = core().track_rows()
    found: dict[str, list[int]] = {}
    for made in kept:
        for name, o in zip(("tuple4", "list", "dict", "tuple2"), (made, *made[1:])):
            site = core().track_of(o)
            code = rows["codes"][rows["sites"][site[0]][1]][1] if site else ""
            right = code.split(".")[-1] == "leak"
            found.setdefault(name, [0, 0])[0] += right
            found[name][1] += 1
    return {name: (right, n) for name, (right, n) in found.items()}


def test_an_object_out_of_a_free_list_is_its_makers():
    with heaplens.track() as t:
        found = reuse()
    if PYTHON < (3, 10):
        right, n = found.pop("dict")
        assert any("dicts" in caveat for caveat in t.result.caveats)
    else:
        assert t.result.caveats == []
    assert found == {name: (1500, 1500) for name in found}


def test_left_as_they_are_free_lists_lie():
    """Why they are corrected; and that this test can tell."""
    with heaplens.track(correct=False) as t:
        found = reuse()
    assert any("free lists were not switched off" in c for c in t.result.caveats)
    assert found["list"][0] < 150 and found["tuple2"][0] < 150, found


def test_free_lists_work_again_afterwards():
    with heaplens.track():
        pass
    made = [[] for _ in range(10)]
    address = id(made[5])
    made.pop(5)
    again: list[object] = []
    assert id(again) == address


def test_deep_structures_are_freed_without_a_deep_stack():
    with heaplens.track():
        for make in (lambda x: [x], lambda x: (x,), lambda x: {1: x}):
            deep: object = None
            for _ in range(300_000):
                deep = make(deep)
            del deep
