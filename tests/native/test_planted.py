"""Errors of an extension, planted with known numbers: each is counted exactly; its twin is silent."""

from __future__ import annotations

import pytest

from audits import Interpreter, audit, buildable, extension, interpreters, line_of, own

LOST, KEPT, GIVEN = "(lost by C)", "(not given back by C)", "(given away by C)"
CYCLE = "calls.Thing.opaque > planted.Opaque.*"

# Of each call: references, or for the cycle objects in it.
PLANTED = {
    ("native-reference", f"{LOST} list"): 5,
    ("native-reference", f"{KEPT} calls.Thing"): 2,
    ("native-reference", f"{GIVEN} calls.Thing"): 2,
    ("native-reference", f"{KEPT} str"): 3,
    ("native-reference", f"{KEPT} bytearray"): 1,
    ("native-reference", f"{KEPT} planted.Forgetful"): 1,
    ("native-reference", f"{GIVEN} None"): 1,
}
CALLS, ROUNDS = 100, 8
# What six threads have of None in the moment of a look, some dozens, is to be little beside it.
CALLS_BUSY = 600


def exact(found: dict, times: int, calls: int) -> None:
    assert found["confidence"] == "certain", found
    assert found["growth"]["per_round"] == times, found
    # in the whole of it, or after the warm-up, where something else was still being filled then
    whole = {times * calls * rounds for rounds in (ROUNDS, ROUNDS - 2)}
    assert found["growth"]["objects"] in whole, found


def check_all(python: Interpreter, busy: bool) -> None:
    calls = CALLS_BUSY if busy else CALLS
    done = audit("calls:references", "--calls", str(calls), "--rounds", str(ROUNDS), "--python",
                 python.path, folder=extension(python), busy=busy)
    found = done.findings()
    wanted = dict(PLANTED)
    if python.minor >= 12:
        del wanted["native-reference", f"{GIVEN} None"]  # immortal: its count does not fall
    for key, times in wanted.items():
        assert key in found, f"{key}\n{done.brief()}"
        exact(found.pop(key), times, calls)
    cycle = next((key for key in found if key[0] == "reference-cycle"), None)
    assert cycle and "planted.Opaque" in cycle[1], done.brief()
    assert "planted.Opaque owns references" in found.pop(cycle)["title"]
    assert not found, done.brief()
    assert done.status == 1


PYTHONS = [pytest.param(i, id=i.version) for i in buildable()]
# The oldest and the newest, where releases do not differ.
ENDS = [pytest.param(i, id=i.version)
        for n, i in enumerate(sorted(buildable(), key=lambda i: i.minor))
        if n in (0, len(buildable()) - 1)]


@pytest.mark.parametrize("python", PYTHONS)
def test_every_count_is_exact(python: Interpreter) -> None:
    check_all(python, busy=False)


@pytest.mark.parametrize("python", PYTHONS)
def test_with_six_busy_threads(python: Interpreter) -> None:
    check_all(python, busy=True)


@pytest.mark.parametrize("busy", [False, True], ids=["alone", "busy"])
@pytest.mark.parametrize("python", PYTHONS)
def test_the_twin_is_silent(python: Interpreter, busy: bool) -> None:
    done = audit("calls:references", "--calls", str(CALLS), "--python", python.path,
                 folder=extension(python), clean=True, busy=busy)
    assert done.status == 0 and not done.findings(), done.brief()


def test_interpreters_without_headers_are_named() -> None:
    assert buildable(), "no interpreter here has headers"
    bare = [i.version for i in interpreters() if "Python.h" in i.why]
    if bare:
        pytest.skip(f"not tested on {', '.join(bare)}: no Python.h to build the extension with")


@pytest.mark.parametrize("python", ENDS)
def test_a_lost_object_no_collector_knows(python: Interpreter) -> None:
    done = audit("calls:lost_bytes", "--python", python.path, folder=extension(python))
    ((key, found),) = done.findings().items()
    assert key[0] == "native-memory", done.brief()
    assert (found["reach"]["state"], found["reach"]["type"]) == ("lost", "bytes"), done.brief()
    # the allocator rounds up
    assert 500 <= found["growth"]["bytes_per_round"] <= 500 + 64, done.brief()
    clean = audit("calls:lost_bytes", "--python", python.path, folder=extension(python),
                  clean=True)
    assert clean.status == 0 and not clean.findings(), clean.brief()


def test_where_what_is_lost_was_made() -> None:
    python = own()
    (found,) = audit("calls:lists", folder=extension(python)).findings().values()
    (site,) = found["allocated_at"]
    assert (site["file"].rpartition("/")[2], site["function"]) == ("calls.py", "lists"), found
    untracked = audit("calls:lists", "--no-track", folder=extension(python)).findings()
    assert [f["allocated_at"] for f in untracked.values()] == [[]]


def test_a_file_left_open_is_a_finding_of_its_own() -> None:
    python = own()
    done = audit("calls:file", folder=extension(python))
    assert (done.status, done.grows()) == (1, {"fds"}), done.brief()
    assert "1.00 file descriptors" in done.diagnosis["why"], done.brief()
    clean = audit("calls:file", folder=extension(python), clean=True)
    assert (clean.status, clean.grows()) == (0, set()), clean.brief()
    assert audit("calls:file", "--fail-on", "never", folder=extension(python)).status == 0


def test_the_error_path_that_raises() -> None:
    python = own()
    done = audit("calls:raises", "--raises", "ValueError", folder=extension(python))
    assert set(done.findings()) == {("native-reference", f"{LOST} list")}, done.brief()
    clean = audit("calls:raises", "--raises", "ValueError", folder=extension(python), clean=True)
    assert clean.status == 0, clean.brief()


@pytest.mark.parametrize("python", ENDS)
def test_error_paths_that_only_a_failed_allocation_walks(python: Interpreter) -> None:
    words = ("calls:failing", "--python", python.path)
    assert audit(*words, folder=extension(python)).status == 0  # nothing is wrong where all goes well
    done = audit(*words, "--fail-allocations", folder=extension(python))
    found = done.findings()
    assert set(found) == {("native-reference", f"{LOST} list")}, done.brief()
    (told,) = [line for line in done.said.splitlines() if "leaves something behind" in line]
    line = line_of("PyObject *second = PyDict_New();")
    assert f"leaves something behind: failing (planted.c:{line}), called from calls.py:" in told, told
    clean = audit(*words, "--fail-allocations", folder=extension(python), clean=True)
    assert clean.status == 0 and not clean.findings(), clean.brief()
    assert "leaves something behind" not in clean.said, clean.brief()


@pytest.mark.parametrize("python", ENDS)
def test_where_the_allocation_is_after_which_it_crashes(python: Interpreter) -> None:
    words = ("calls:unchecked", "--fail-allocations", "--python", python.path)
    done = audit(*words, folder=extension(python))
    line = line_of("PyObject *list = PyList_New(3);")
    assert done.status == 3 and "crashed its process by signal 11" in done.said, done.brief()
    assert "of the call failing: " in done.said, done.said
    assert f"unchecked (planted.c:{line})" in done.said, done.said
    caller = line_of("planted.unchecked()", "calls.py")
    assert f"called from calls.py:{caller}" in done.said, done.said
    clean = audit(*words, folder=extension(python), clean=True)
    assert clean.status == 0, clean.brief()
    untracked = audit(*words, "--no-track", folder=extension(python))
    assert "of the call failing)" in untracked.said, untracked.said


def test_tolerance() -> None:
    python = own()
    for tolerance, status in ("4.9", 1), ("5", 0):
        done = audit("calls:lists", "--tolerance", tolerance, folder=extension(python))
        assert done.status == status, done.brief()
