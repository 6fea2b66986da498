"""heaplens.why: the chains that keep an object, and never the question itself."""

from __future__ import annotations

import sys

import pytest

import heaplens


class Session:
    pass


registry: dict[str, list[Session]] = {}


def test_chains_name_their_holders():
    session = Session()
    registry["a"] = [session]
    owner = Session()
    owner.session = session
    Session.last = owner
    try:
        why = heaplens.why(session)
    finally:
        registry.clear()
        del Session.last
    assert why.type == "Session" and why.address == id(session)
    said = str(why)
    assert ".registry" in said and ".last" in said and ".session" in said
    assert "local session" not in said and "local value" not in said, said
    assert len(why.chains) == 2
    assert {chain.steps[-1].type for chain in why.chains} == {f"{__name__}.Session"}
    assert why.retained_bytes and why.retained_bytes >= 16


def test_only_the_question_holds_it():
    def ask() -> heaplens.Why:
        session = Session()
        nested = {"in": [session]}
        return heaplens.why(nested["in"][0])

    why = ask()
    assert why.chains == [], str(why)
    assert "nothing holds it but the calls" in str(why)
    assert heaplens.why(Session()).chains == []


def test_the_caller_of_the_caller_is_an_answer():
    def helper(thing: Session) -> heaplens.Why:
        return heaplens.why(thing)

    def outer() -> heaplens.Why:
        mine = Session()
        return helper(mine)

    why = outer()
    if sys.version_info >= (3, 11):
        assert [chain.steps[-1].edge for chain in why.chains] == [" local mine"], str(why)
    else:
        assert any(" local mine" in (chain.steps[-1].edge or "") for chain in why.chains), str(why)


def test_a_deep_holder_reached_through_the_callers_variable_too():
    registry["deep"] = shared = [Session()]
    try:
        why = heaplens.why(shared[0])
    finally:
        registry.clear()
    assert len(why.chains) == 1 and ".registry" in str(why), str(why)


def test_at_most_so_many():
    session = Session()
    registry.update({str(i): [session] for i in range(20)})
    try:
        assert len(heaplens.why(session, chains=3).chains) == 3
    finally:
        registry.clear()
    with pytest.raises(ValueError, match="chains"):
        heaplens.why(session, chains=0)


@pytest.mark.parametrize("value", [None, True, Ellipsis, NotImplemented, 7, "", b"x", (), int, len.__class__])
def test_what_lasts_needs_no_holder(value):
    why = heaplens.why(value)
    assert why.chains == []
    assert "nothing has to hold it" in str(why)


def test_a_garbage_cycle_and_a_number():
    assert str(heaplens.why(10**30))
    looped = Session()
    looped.me = looped
    assert heaplens.why(looped).type == "Session"


def test_from_a_thread():
    import threading

    answers: list[heaplens.Why] = []

    def work() -> None:
        session = Session()
        answers.append(heaplens.why(session))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert answers[0].chains == [], str(answers[0])
