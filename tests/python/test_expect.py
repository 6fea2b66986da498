"""heaplens.expect_collected keeps nothing alive and does not grow by itself."""

from __future__ import annotations

import gc
import weakref

import pytest

import heaplens
from heaplens import _expect


class Thing:
    pass


class Slots:
    __slots__ = ("x",)


class NoHash:
    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: object) -> bool:
        raise AssertionError("nobody asks")


@pytest.fixture(autouse=True)
def forget():
    _expect._register.clear()
    _expect._addresses.clear()
    yield
    _expect._register.clear()
    _expect._addresses.clear()


def test_it_keeps_nothing_alive():
    for make in (Thing, NoHash, lambda: set("abc"), lambda: (x for x in [])):
        thing = make()
        gone = weakref.ref(thing)
        heaplens.expect_collected(thing, "done")
        assert len(_expect._register) == 1
        del thing
        gc.collect()
        assert gone() is None
        assert not _expect._register


def test_a_row_goes_with_its_object_also_in_a_cycle():
    for _ in range(100):
        thing = Thing()
        thing.me = thing
        heaplens.expect_collected(thing)
    del thing
    gc.collect()
    assert not _expect._register


def test_an_expectation_without_end_is_bounded(monkeypatch):
    monkeypatch.setattr(_expect, "_MOST", 50)
    things = [Thing() for _ in range(200)]
    for thing in things:
        heaplens.expect_collected(thing)
    assert len(_expect._register) == 50
    monkeypatch.setattr(_expect, "_BY_ADDRESS_MOST", 10)
    _expect._register.clear()
    for _ in range(100):
        heaplens.expect_collected(Slots())
    assert len(_expect._register) == len(_expect._addresses) == 10


@pytest.mark.parametrize("value", [None, True, 3, "", int, (), Ellipsis])
def test_what_is_never_collected_is_told_and_not_expected(value):
    with pytest.warns(RuntimeWarning, match="heaplens.expect_collected: ") as caught:
        heaplens.expect_collected(value)
    assert caught[0].filename == __file__
    assert not _expect._register


def test_no_weak_reference_no_chain_but_an_address():
    for value in ([], {}, set, Slots()):
        if value is not set:
            heaplens.expect_collected(value, "by address")
    rows = list(_expect._register.values())
    assert [isinstance(row[0], str) for row in rows] == [True, True, True]
    assert [row[2] for row in rows] == ["list", "dict", f"{__name__}.Slots"]
