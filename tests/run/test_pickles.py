"""Pickled snapshots of tracemalloc in diff, show and export: what the original says of the same files is
what is told, of each interpreter; a stranger's pickle runs nothing and has a word said about it."""

from __future__ import annotations

import json
import pathlib
import pickle
import subprocess
import tracemalloc
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import EXE

DUMP = """
import sys, tracemalloc
tracemalloc.start(8)
kept = []
def load(n):
    for i in range(n):
        kept.append(bytes(500 + i))
def rest():
    kept.append({i: str(i) for i in range(300)})
load(20); tracemalloc.take_snapshot().dump(sys.argv[1])
load(200); rest(); tracemalloc.take_snapshot().dump(sys.argv[2])
"""


def heaplens(*words: Any, cwd: pathlib.Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(EXE), *map(str, words)], cwd=cwd, capture_output=True, text=True)


def diff_of(cwd: pathlib.Path, old: str, new: str) -> dict[Any, Any]:
    done = heaplens("diff", "--json", "--top", "100000", old, new, cwd=cwd)
    assert (done.returncode, done.stderr) == (0, "")
    [table] = json.loads(done.stdout)["tables"]
    assert table["view"] == "sites"
    return {
        (row["file"], row["line"] or 0): (row["blocks"], row["blocks_delta"], row["bytes"], row["bytes_delta"])
        for row in table["rows"]
    }


def oracle(cwd: pathlib.Path, old: str, new: str) -> dict[Any, Any]:
    was, now = (tracemalloc.Snapshot.load(str(cwd / name)) for name in (old, new))
    return {
        (row.traceback[0].filename, row.traceback[0].lineno): (row.count, row.count_diff, row.size, row.size_diff)
        for row in now.compare_to(was, "lineno")
        if row.size_diff > 0
    }


def test_diff_and_show_say_what_tracemalloc_says(python: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(DUMP)
    subprocess.run([python, "app.py", "old.pickle", "new.pickle"], cwd=tmp_path, check=True)
    told = diff_of(tmp_path, "old.pickle", "new.pickle")
    assert told == oracle(tmp_path, "old.pickle", "new.pickle")
    # the bytes of 200 objects; of the list and of numbers a block may have come and gone
    assert any(line == 7 and 195 <= row[1] <= 205 for (_, line), row in told.items())
    done = heaplens("show", "--view", "allocs", "--json", "--top", "100000", "--group-by", "traceback", "new.pickle", cwd=tmp_path)
    rows = json.loads(done.stdout)["rows"]
    stats = tracemalloc.Snapshot.load(str(tmp_path / "new.pickle")).statistics("traceback")
    assert Counter((r["live_blocks"], r["live_bytes"]) for r in rows) == Counter((s.count, s.size) for s in stats)
    assert {r["total_bytes"] for r in rows} == {r["peak_bytes"] for r in rows} == {None}
    made = heaplens("export", "--format", "collapsed", "new.pickle", cwd=tmp_path).stdout.splitlines()
    assert sum(int(line.rpartition(" ")[2]) for line in made) == sum(s.size for s in stats)
    assert any(line.startswith("app.py:10;app.py:7 ") for line in made), made


@pytest.mark.one_interpreter
def test_ours_and_theirs_are_read_alike(python: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "app.py").write_text(DUMP.replace("import sys, tracemalloc", "import sys\nfrom heaplens.compat import tracemalloc"))
    done = subprocess.run([EXE.parent / "python", "app.py", "old.pickle", "new.pickle"], cwd=tmp_path, capture_output=True)
    if b"No module named 'heaplens'" in done.stderr:
        pytest.skip("heaplens is not installed beside its executable")
    assert done.returncode == 0, done.stderr
    assert diff_of(tmp_path, "old.pickle", "new.pickle") == oracle(tmp_path, "old.pickle", "new.pickle")


NAMES = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=12)
FRAMES = st.lists(st.tuples(NAMES, st.integers(0, 50)), min_size=1, max_size=4).map(tuple)
TRACE_LISTS = st.lists(st.tuples(st.sampled_from([0, 0, 389047]), st.integers(0, 10**12), FRAMES, st.integers(1, 9)), max_size=30)


@pytest.mark.one_interpreter
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(TRACE_LISTS, TRACE_LISTS)
def test_any_traces(python: str, tmp_path: pathlib.Path, old: Any, new: Any) -> None:
    for name, traces in ("old", old), ("new", new):
        tracemalloc.Snapshot(traces, 4).dump(str(tmp_path / name))  # type: ignore[arg-type]
    assert diff_of(tmp_path, "old", "new") == oracle(tmp_path, "old", "new")


class Runs:
    def __reduce__(self) -> Any:
        return (open, ("it-ran", "w"))


def plain(traces: Any, **more: Any) -> tracemalloc.Snapshot:
    snapshot = tracemalloc.Snapshot(traces, 1)
    vars(snapshot).update(more)
    return snapshot


GOOD = (0, 10, (("a.py", 1),), 1)


@pytest.mark.one_interpreter
@pytest.mark.parametrize("what, word", [
    (pickle.dumps([]), "something else, of type list"),
    (pickle.dumps(plain([GOOD], note=Runs())), "it names "),
    (pickle.dumps(plain([(0, -1, (("a.py", 1),), 1)])), "impossible size"),
    (pickle.dumps(plain([(0, 2**70, (("a.py", 1),), 1)])), "impossible size"),
    (pickle.dumps(plain([(0, 2**61, (("a.py", 1),), 1)] * 5)), "impossible size"),
    (pickle.dumps(plain([(0, 1, (("a.py", -1),), 1)])), "impossible number"),
    (pickle.dumps(plain([(0, 1, (("a.py", 2**33),), 1)])), "impossible number"),
    (pickle.dumps(plain([1])), "one of its traces is none"),
    (pickle.dumps(plain([GOOD]))[:-5], "truncated"),
    (b"\x80\x04\x95" + b"\xff" * 8, ""),
    (b"\x80\x02" + b"(" * 5000 + b"l" * 5000 + b".", ""),
])
def test_a_strangers_pickle(python: str, tmp_path: pathlib.Path, what: bytes, word: str) -> None:
    (tmp_path / "it.pickle").write_bytes(what)
    for name in "good.pickle", "same.pickle":
        (tmp_path / name).write_bytes(pickle.dumps(plain([GOOD])))
    (tmp_path / "pickle.py").write_text("raise SystemExit('imported')\n")
    done = heaplens("diff", "good.pickle", "it.pickle", "same.pickle", cwd=tmp_path)
    assert "it.pickle is not a snapshot of tracemalloc: " in done.stderr and word in done.stderr
    assert done.returncode == 4  # one of several: the others are used
    assert heaplens("diff", "good.pickle", "it.pickle", cwd=tmp_path).returncode == 3
    done = heaplens("show", "--view", "allocs", "it.pickle", cwd=tmp_path)
    assert done.returncode == 3 and "is not a snapshot of tracemalloc" in done.stderr
    assert not (tmp_path / "it-ran").exists()


@pytest.mark.one_interpreter
def test_every_cut_is_refused(python: str, tmp_path: pathlib.Path) -> None:
    whole = pickle.dumps(plain([GOOD, (0, 7, (("b.py", 2), ("c.py", 3)), 2)]))
    for at in range(2, len(whole), 7):
        (tmp_path / "it").write_bytes(whole[:at])
        done = heaplens("show", "--view", "allocs", "it", cwd=tmp_path)
        assert done.returncode == 3 and "is not a snapshot of tracemalloc" in done.stderr


@pytest.mark.one_interpreter
@pytest.mark.parametrize("name", ["a\nb.py", "\x1b[31m", "x" * 70_000, "nul\0nul", "\udc80\udcff", "\ud800", "heap;lens"])
def test_names_are_shown_and_do_nothing(python: str, tmp_path: pathlib.Path, name: str) -> None:
    (tmp_path / "it").write_bytes(pickle.dumps(plain([(0, 10, ((name, 1),), 1)])))
    done = heaplens("show", "--view", "allocs", "it", cwd=tmp_path)
    assert done.returncode == 0 and "\x1b" not in done.stdout and done.stdout.count("\n") == 3
    assert json.loads(heaplens("show", "--view", "allocs", "--json", "it", cwd=tmp_path).stdout)["rows"][0]["live_bytes"] == 10


@pytest.mark.one_interpreter
def test_what_a_pickle_cannot_say_has_a_sentence(python: str, tmp_path: pathlib.Path) -> None:
    (tmp_path / "it").write_bytes(pickle.dumps(plain([GOOD])))
    for words in (["diagnose", "it"], ["show", "it"], ["paths", "it", "dict"], ["timeline", "it"]):
        done = heaplens(*words, cwd=tmp_path)
        assert done.returncode == 3 and "snapshot of tracemalloc" in done.stderr
    for words in (["show", "--view", "allocs", "--peak", "it"], ["export", "--format", "csv", "--total", "it"]):
        done = heaplens(*words, cwd=tmp_path)
        assert done.returncode == 5 and "tells what lives" in done.stderr
    assert heaplens("diff", "it", cwd=tmp_path).returncode == 5
