"""heaplens.compat.tracemalloc: the same program under it and under the standard library's, in processes
of their own, tells the same; what a snapshot's file may do; sessions beside one another."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import subprocess
import sys
import threading
import tracemalloc as original
from pathlib import Path

import pytest

import heaplens
from heaplens.compat import tracemalloc
from heaplens.compat._snapshot import Blocks

OURS, ORIGINAL = "from heaplens.compat import tracemalloc", "import tracemalloc"
# What lives at the end was made by these lines, of most kinds and sizes. A collection empties the free
# lists: what lies there lives for the original alone. Generators come first: until 3.10 their frames
# may be those of functions that returned, which ours tells as made where they were first.
PROGRAM = """
import gc, json, sys, threading
IMPORT
class Plain:
    def __init__(self, n):
        self.name = "name %d" % n
        self.data = bytes(n)
class Slotted:
    __slots__ = ("a", "b")
    def __init__(self, a):
        self.a = a + 10**30
        self.b = [a] * 3
def deep(n):
    return bytearray(n + 1) if n == 0 else [deep(n - 1), bytes(100 + n)]
def cell(x):
    return lambda: x
def steps(n):
    yield n
def in_thread(kept):
    kept.append([b"t" * n for n in range(1000, 1200)])
def work():
    kept = []
    kept.append([steps(n) for n in range(50)])
    kept.append([Plain(n) for n in range(300)])
    kept.append([Slotted(n) for n in range(300)])
    kept.append(deep(30))
    kept.append(deep(60))
    kept.append({"key %d" % n: (n, str(n)) for n in range(500)})
    kept.append({bytes([n]) for n in range(200)})
    kept.append([cell(bytes(n)) for n in range(50)])
    kept.append([b"x" * n for n in (0, 1, 511, 512, 513, 2**20, 2**24, 2**24 + 1, 2**25)])
    grown = bytearray()
    for n in range(2000):
        grown += b"more"
    kept.append(grown)
    thread = threading.Thread(target=in_thread, args=(kept,))
    thread.start()
    thread.join()
    return kept
work()
gc.collect()  # empties the free lists: what the original finds there was not traced, so it never is
tracemalloc.start(FRAMES)
kept = work()
gc.collect()
snapshot = tracemalloc.take_snapshot()
told = {}
snapshot = snapshot.filter_traces([tracemalloc.Filter(True, __file__)])
for key, cumulative in ("lineno", 0), ("filename", 0), ("traceback", 0), ("lineno", 1):
    told["%s %d" % (key, cumulative)] = sorted(
        [[[f.filename, f.lineno] for f in row.traceback], row.size, row.count]
        for row in snapshot.statistics(key, bool(cumulative)))
told["depth"] = sorted((t.size, t.traceback.total_nframe) for t in snapshot.traces if t.size > 10**6)
told["of"] = [[str(f) for f in tracemalloc.get_object_traceback(o)] for o in kept]
before, _ = tracemalloc.get_traced_memory()
large = bytes(3 * 10**6)
after, _ = tracemalloc.get_traced_memory()
del large
now, peak = tracemalloc.get_traced_memory()
told["memory"] = [after - before, now < after, peak >= after]
tracemalloc.stop()
print(json.dumps(told))
"""

# Lines whose objects may have the memory of others, from a free list that stays as it is (docs/python.md):
# instances' dicts in 3.9, frames until 3.10 (also that of take_snapshot, which is another), ints in 3.14.
FRAMES = ["([steps(n)", "= tracemalloc.take_snapshot()"]
REUSING = {(3, 9): ["self.name", *FRAMES], (3, 10): FRAMES, (3, 14): ["([Slotted(n)"]}


def run(tmp_path, text: str, **env: str) -> str:
    program = tmp_path / "program.py"
    program.write_text(text)
    package = os.path.dirname(os.path.dirname(heaplens.__file__))
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120,
                          env={**os.environ, "PYTHONPATH": package, **env})
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(autouse=True)
def stopped():
    yield
    tracemalloc.stop()
    original.stop()


def here() -> int:
    return sys._getframe(1).f_lineno


# ---- the same as the original --------------------------------------------------------------------


@pytest.mark.parametrize("frames", ["1", "25"])
def test_every_number_is_the_original_s_to_the_byte(tmp_path, frames):
    text = PROGRAM.replace("FRAMES", frames)
    ours, theirs = (json.loads(run(tmp_path, text.replace("IMPORT", line)))
                    for line in (OURS, ORIGINAL))
    reusing = [line for line, code in enumerate(text.splitlines(), 1)
               for piece in REUSING.get(sys.version_info[:2], []) if piece in code]
    assert len(theirs["lineno 0"]) > 15 and sum(row[1] for row in theirs["lineno 0"]) > 60 * 10**6
    for question in theirs:
        if reusing and question in ("lineno 0", "traceback 0"):
            for told in ours, theirs:  # rows: innermost frame last
                told[question] = [row for row in told[question] if row[0][-1][1] not in reusing]
        if not reusing or question not in ("filename 0", "lineno 1"):  # sums of all lines
            assert ours[question] == theirs[question], question


@pytest.mark.parametrize("nframe", [0, -1, 65536, 2**30, 2**40, 1.5, "1", None])
def test_a_bad_number_of_frames_is_refused_as_by_the_original(nframe):
    with pytest.raises(Exception) as theirs:
        original.start(nframe)
    with pytest.raises(type(theirs.value)):
        tracemalloc.start(nframe)
    assert not tracemalloc.is_tracing()


def test_bad_questions_are_refused_in_the_same_words():
    tracemalloc.start()
    ours, theirs = tracemalloc.take_snapshot(), original.Snapshot([], 1)
    for ask in (lambda s: s.statistics("line"), lambda s: s.statistics("traceback", True),
                lambda s: s.compare_to(s, "x"), lambda s: s.filter_traces(1), lambda s: s.traces[10**9]):
        with pytest.raises((ValueError, TypeError, IndexError)) as a:
            ask(theirs)
        with pytest.raises(type(a.value)) as b:
            ask(ours)
        assert str(b.value) == str(a.value)


def test_untraced_is_nothing():
    assert tracemalloc.get_traced_memory() == (0, 0)
    assert tracemalloc.get_object_traceback([]) is None
    tracemalloc.clear_traces()
    tracemalloc.reset_peak()
    tracemalloc.stop()
    with pytest.raises(RuntimeError, match="must be tracing"):
        tracemalloc.take_snapshot()
    kept = bytes(1000)
    tracemalloc.start()
    assert tracemalloc.get_object_traceback(kept) is None


def test_blocks_are_the_sequence_they_stand_for():
    groups = [((0, n, (("a.py", n),), n), 1 + n % 3) for n in range(20)]
    blocks, plain = Blocks(groups), [trace for trace, n in groups for _ in range(n)]
    assert list(blocks) == plain and blocks == plain and blocks != plain[1:] and len(blocks) == len(plain)
    for i in range(-len(plain), len(plain)):
        assert blocks[i] == plain[i] and blocks[i:] == plain[i:] and blocks[:i:2] == plain[:i:2]
    assert plain[0] in blocks and (0, 0, (), 0) not in blocks and blocks.copy() == blocks
    for i in (len(plain), -len(plain) - 1):
        with pytest.raises(IndexError):
            blocks[i]


def test_questions_of_many_equal_traces_are_answered_as_of_a_list_of_them():
    tracemalloc.start(5)
    kept = [bytes(100) for _ in range(50)], [[n] for n in range(50)]
    snapshot = tracemalloc.take_snapshot()
    same = original.Snapshot(list(snapshot.traces._traces), snapshot.traceback_limit)
    for key, cumulative in ("lineno", False), ("filename", False), ("traceback", False), ("filename", True):
        assert snapshot.statistics(key, cumulative) == same.statistics(key, cumulative)
    filters = [tracemalloc.Filter(False, "*threading*"), tracemalloc.DomainFilter(True, 0)]
    assert list(snapshot.filter_traces(filters).traces) == list(same.filter_traces(filters).traces)
    assert [str(row) for row in snapshot.compare_to(original.Snapshot([], 5), "lineno")] == [
        str(row) for row in same.compare_to(original.Snapshot([], 5), "lineno")]
    del kept


def test_a_filter_that_matches_nothing_leaves_nothing():
    tracemalloc.start()
    kept = bytes(1000)
    snapshot = tracemalloc.take_snapshot()
    assert len(snapshot.traces) > 0 and kept
    none = snapshot.filter_traces([tracemalloc.Filter(True, "no such file")])
    assert isinstance(none, tracemalloc.Snapshot)
    assert len(none.traces) == 0 and none.statistics("lineno") == [] and list(none.traces) == []
    gone = none.compare_to(snapshot, "filename")
    assert sum(row.size_diff for row in gone) == -sum(t.size for t in snapshot.traces)


def test_what_heaplens_made_itself_is_left_out():
    tracemalloc.start()
    first = tracemalloc.take_snapshot()
    second = tracemalloc.take_snapshot()
    folder = os.path.dirname(heaplens.__file__)
    files = {t.traceback[-1].filename for t in second.traces}
    assert files and not [f for f in files if f.startswith(folder)] and first


# ---- tracing ------------------------------------------------------------------------------------


def test_the_line_that_made_an_object_is_told():
    tracemalloc.start(3)
    kept, line = bytes(12345), here()
    trace = tracemalloc.get_object_traceback(kept)
    assert (trace[-1].filename, trace[-1].lineno, len(trace)) == (__file__, line, 3)
    tracemalloc.clear_traces()
    assert tracemalloc.get_object_traceback(kept) is None
    assert tracemalloc.get_traced_memory()[0] < 12345


def test_threads_are_traced_and_what_they_freed_is_gone():
    tracemalloc.start()
    kept, line = [], None

    def work():
        nonlocal line
        for _ in range(200):
            made, line = bytes(5000), here()
            kept.append(made)
            bytes(7000)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    [row] = [r for r in tracemalloc.take_snapshot().statistics("lineno")
             if r.traceback[0] == tracemalloc.Frame((__file__, line))]
    assert row.count >= 800 and 800 * (5000 + sys.getsizeof(b"")) <= row.size < 800 * 5100
    assert not [t for t in tracemalloc.take_snapshot().traces if t.size == 7000 + sys.getsizeof(b"")]


def test_start_and_stop_again_begin_from_nothing():
    for frames in 1, 25, 2:
        tracemalloc.start(frames)
        tracemalloc.start(7)  # goes on as it was
        assert tracemalloc.get_traceback_limit() == frames
        kept = bytes(10**6)
        assert 10**6 < tracemalloc.get_traced_memory()[0] < 1.2 * 10**6 and kept
        tracemalloc.stop()
        assert not tracemalloc.is_tracing() and tracemalloc.get_traceback_limit() == frames


def test_a_block_tracked_around_it_keeps_what_was_cleared():
    with heaplens.track() as t:
        old, old_line = bytes(200_000), here()
        tracemalloc.start()
        assert tracemalloc.get_traced_memory()[0] < 50_000
        new, new_line = bytes(100_000), here()
        assert 100_000 < tracemalloc.get_traced_memory()[0] < 150_000
        assert tracemalloc.get_object_traceback(old) is None
        assert tracemalloc.get_object_traceback(new)[0].lineno == new_line
        gone = bytes(300_000)
        del gone
        assert 400_000 < tracemalloc.get_traced_memory()[1] < 450_000
        tracemalloc.reset_peak()
        assert 100_000 < tracemalloc.get_traced_memory()[1] < 150_000
        tracemalloc.clear_traces()
        assert tracemalloc.get_traced_memory()[0] < 50_000
        assert tracemalloc.get_object_traceback(new) is None
        tracemalloc.stop()
    lines = {row.line: row.bytes for row in t.result.rows() if row.file == __file__}
    assert lines[old_line] > 200_000 and lines[new_line] > 100_000 and t.result.peak_bytes > 600_000


def test_a_block_tracked_inside_says_what_it_made_itself():
    tracemalloc.start()
    old = bytes(200_000)
    with heaplens.track() as t:
        new, line = bytes(100_000), here()
        tracemalloc.clear_traces()
        assert tracemalloc.get_object_traceback(old) is None
    assert {r.line: r.bytes for r in t.result.rows() if r.file == __file__}[line] > 100_000
    assert new and tracemalloc.is_tracing()
    tracemalloc.clear_traces()
    assert tracemalloc.get_traced_memory()[0] < 10_000


def test_samples_being_taken_are_said_to_be_in_the_way():
    with heaplens.track(rate=512 * 1024):
        with pytest.raises(heaplens.Error, match="samples"):
            tracemalloc.start()
        assert not tracemalloc.is_tracing()


def test_the_original_may_trace_at_the_same_time():
    original.start(2)
    tracemalloc.start(2)
    kept, line = bytes(54321), here()
    for one in original, tracemalloc:
        assert one.get_object_traceback(kept)[-1].lineno == line
        assert [t.size for t in one.take_snapshot().traces if t.size > 54321 and t.size < 54400]
    tracemalloc.stop()
    assert original.get_object_traceback(kept)[-1].lineno == line


def test_hooks_that_the_original_cut_off_are_told():
    original.start()
    tracemalloc.start()
    original.stop()
    with pytest.warns(RuntimeWarning, match="put back the allocators"):
        tracemalloc.take_snapshot()


def test_the_interpreter_s_option_starts_it(tmp_path):
    text = f"{OURS}\nprint(tracemalloc.is_tracing(), tracemalloc.get_traceback_limit())"
    assert run(tmp_path, text, PYTHONTRACEMALLOC="9").split() == ["True", "9"]
    assert run(tmp_path, text).split() == ["False", "1"]
    started = f"import tracemalloc\ntracemalloc.start(9)\n{text}"
    assert run(tmp_path, started).split() == ["False", "1"]


# ---- files --------------------------------------------------------------------------------------


def snapshot_of_three():
    kept = [bytes(1000 + n // 2) for n in range(3)]
    return tracemalloc.take_snapshot(), kept


def test_either_reads_what_the_other_wrote(tmp_path):
    tracemalloc.start(4)
    snapshot, kept = snapshot_of_three()
    snapshot.note = {"a": [1, "b"]}
    path = str(tmp_path / "ours")
    snapshot.dump(path)
    for read in original.Snapshot.load(path), tracemalloc.Snapshot.load(path), \
            pickle.loads(pickle.dumps(snapshot)):
        assert list(read.traces) == list(snapshot.traces) and read.traceback_limit == 4
        assert read.note == {"a": [1, "b"]}
        assert read.statistics("traceback") == snapshot.statistics("traceback")
    original.start(4)
    kept.append(bytes(1000))
    theirs = original.take_snapshot()
    theirs.dump(path)
    read = tracemalloc.Snapshot.load(path)
    assert type(read) is tracemalloc.Snapshot and list(read.traces) == list(theirs.traces)
    assert read.compare_to(theirs, "lineno")[0].size_diff == 0


class Runs:
    """A pickle of it creates a file."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (open, (self.path, "w"))


def plain(traces, /, **more):
    snapshot = original.Snapshot(traces, 1)
    vars(snapshot).update(more)
    return snapshot


GOOD = (0, 10, (("a.py", 1),), 1)
SNAPSHOT, TRACES = b"ctracemalloc\nSnapshot\n", b"ctracemalloc\n_Traces\n"


@pytest.mark.parametrize("what", [
    [], None, plain([1]), plain([(0, 1)]), plain([(0, 1, (), 1)]), plain([(0, "1", (("a", 1),), 1)]),
    plain([(0, 1, ((b"a", 1),), 1)]), plain([(True, 1, (("a", 1),), 1)]), plain({1: 2}), plain("traces"),
    plain([GOOD], traceback_limit="1"), plain([GOOD], statistics=5), plain([GOOD], _group_by=5),
    plain([GOOD], traces=[GOOD]), plain([GOOD], note=[original.Snapshot]), plain([GOOD], note=original.Frame),
    original.Frame(("a", 1)), original.Traceback((("a", 1),)), dict, print,
], ids=lambda what: type(what).__name__)
def test_a_pickle_of_something_else_is_refused(tmp_path, what):
    path = tmp_path / "it"
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(what, protocol))
        with pytest.raises(heaplens.Error, match="it is not a snapshot of tracemalloc"):
            tracemalloc.Snapshot.load(str(path))


def test_what_is_good_is_read(tmp_path):
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        (tmp_path / "it").write_bytes(pickle.dumps(plain([GOOD], note=1), protocol))
        assert list(tracemalloc.Snapshot.load(str(tmp_path / "it")).traces) == [original.Trace(GOOD)]


@pytest.mark.parametrize("text", [
    b"", b"no pickle", b"\x80\x05", b"N.", b"cos\nsystem\n(S'true'\ntR.",
    b"cheaplens.compat.tracemalloc\nstart\n(I5\ntR.",
    SNAPSHOT + b"(tR.",                                        # calls the class
    SNAPSHOT + b"(N(S'load'\nI1\ndtb.",                        # sets an attribute of the class
    SNAPSHOT + b")\x81(S'traces'\n" + TRACES + b")\x81(S'_traces'\n]db" + b"db.",  # no limit
    SNAPSHOT + b")\x81(S'__class__'\nI1\ndb.",
    SNAPSHOT + b"(N(S'__getattribute__'\n" + SNAPSHOT + b"dtb" + b")\x81.",
    b"\x80\x02U\x01aQ.", b"\x82\x01.", b"(" * 100 + b"l" * 100 + b".",
])
def test_a_hostile_pickle_does_nothing(tmp_path, text):
    (tmp_path / "it").write_bytes(text)
    before = dict(vars(original.Snapshot)), dict(vars(tracemalloc.Snapshot))
    with pytest.raises(heaplens.Error, match="it is not a snapshot of tracemalloc"):
        tracemalloc.Snapshot.load(str(tmp_path / "it"))
    assert before == (dict(vars(original.Snapshot)), dict(vars(tracemalloc.Snapshot)))
    assert not tracemalloc.is_tracing()


def test_a_pickle_that_runs_a_function_runs_none(tmp_path):
    proof = tmp_path / "it ran"
    (tmp_path / "it").write_bytes(pickle.dumps(plain([GOOD], note=Runs(proof))))
    with pytest.raises(heaplens.Error, match="it names io.open|it names .*open"):
        tracemalloc.Snapshot.load(str(tmp_path / "it"))
    assert not proof.exists()
    original.Snapshot.load(str(tmp_path / "it"))  # the original does
    assert proof.exists()


def test_a_number_of_copyreg_is_no_way_in(tmp_path):
    import copyreg

    copyreg.add_extension(__name__, "here", 200)
    try:
        file = io.BytesIO(pickle.dumps(here, 2))
        assert pickle.load(file) is here  # it is in the cache from now on
        (tmp_path / "it").write_bytes(file.getvalue()[:-1] + b")R.")
        with pytest.raises(heaplens.Error, match="by a number"):
            tracemalloc.Snapshot.load(str(tmp_path / "it"))
    finally:
        copyreg.remove_extension(__name__, "here", 200)


def test_every_cut_and_every_flipped_byte_is_refused_or_read(tmp_path):
    path, whole = tmp_path / "it", pickle.dumps(plain([GOOD, GOOD, (0, 7, (("b.py", 2), ("c.py", 3)), 2)]))
    for i in range(len(whole)):
        for text in whole[:i], whole[:i] + bytes([whole[i] ^ 0x15]) + whole[i + 1:]:
            path.write_bytes(text)
            try:
                tracemalloc.Snapshot.load(str(path)).statistics("traceback")
            except heaplens.Error:
                continue
            assert len(text) == len(whole)


def test_a_file_that_is_not_there_is_said_as_by_the_original(tmp_path):
    with pytest.raises(FileNotFoundError):
        tracemalloc.Snapshot.load(str(tmp_path / "none"))


def test_the_example_of_the_page_runs(tmp_path):
    page = Path(__file__).parents[2] / "docs/compat/tracemalloc.md"
    [example] = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    said = run(tmp_path, example)
    assert re.search(r"program.py:6: size=97\.\d KiB", said) and "kept.append" in said
