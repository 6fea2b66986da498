"""`heaplens run --exact` and `--sample`: which line made what leaks."""

from __future__ import annotations

import ctypes.util
import json
import os
import signal
import subprocess
import textwrap
import time
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET, environment

if TYPE_CHECKING:
    from conftest import Bench, Done

# Two decoys on lines of their own: what is made and soon let go, and what is made once and stays.
LEAKS = """
import time

KEPT, TABLE = [], {}


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [number] * 30


def parse(number):
    return Order(number)  # the leaking line's caller


def handle(number):
    KEPT.append(parse(number))


def busy():
    return [Order(i) for i in range(200)]


def main():
    TABLE.update((i, "entry %d" % i) for i in range(20000))
    end = time.monotonic() + SECONDS
    number = 0
    while time.monotonic() < end or number < 30000:
        for _ in range(200):
            number += 1
            handle(number)
        busy()
        time.sleep(0.001)


main()
"""


def line_of(text: str, what: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if what in line)


def program(bench: Bench, seconds: float = 1.0) -> str:
    text = LEAKS.replace("SECONDS", str(seconds))
    bench.script(text)
    return text


def allocs(bench: Bench, *options: Any, file: Any = None, killed: bool = False) -> list[dict[str, Any]]:
    """killed: while it was being written, maybe in the middle of a look."""
    words = [EXE, "show", file or bench.file, "--view", "allocs", "--json", *options]
    got = bench.execute(words)
    cut = killed and got.status == 4 and "1 snapshot was cut off" in got.stderr
    assert got.status == 0 or cut, got.stderr
    answer = json.loads(got.stdout)
    rows: list[dict[str, Any]] = answer["rows"]
    return rows


def leak_of(bench: Bench, *options: str) -> Done:
    """The verdict on app.py. On a busy machine it may get too few looks for one: a miss is tried again, twice."""
    for _ in range(3):
        got = bench.watched("app.py", options=("--json", "-f", *options))
        if got.diagnosis()["verdict"] == "leak":
            break
    return got


def made_at(got: Done) -> list[dict[str, Any]]:
    diagnosis = got.diagnosis()
    assert diagnosis["verdict"] == "leak", diagnosis
    lines: list[dict[str, Any]] = diagnosis["findings"][0]["allocated_at"]
    return lines


def test_the_line_of_a_leak(bench: Bench, python: str) -> None:
    text = program(bench)
    got = leak_of(bench, "--exact")
    lines = made_at(got)
    here = {line["line"] for line in lines if line["file"].endswith("app.py")}
    assert lines[0]["line"] == line_of(text, "[number] * 30"), lines
    assert line_of(text, "for i in range(20000)") not in here
    assert line_of(text, "return [Order(i)") not in here
    finding = got.diagnosis()["findings"][0]
    total = sum(line["bytes"] for line in lines)
    assert 0.8 * finding["retained"]["bytes"] <= total <= 1.05 * finding["retained"]["bytes"]
    leaves = allocs(bench, "--group-by", "traceback")
    assert any(
        "handle (app.py:" in row["where"] and "main (app.py:" in row["where"] for row in leaves
    )
    # the class's list belongs to the object that holds it, whoever made it first
    types = {row["where"]: row["live_blocks"] for row in allocs(bench, "--group-by", "type")}
    assert types["__main__.Order"] >= 30000


def test_samples_find_it_too(bench: Bench, python: str) -> None:
    text = program(bench)
    got = leak_of(bench, "--sample", "4K")
    lines = made_at(got)
    assert lines[0]["line"] == line_of(text, "[number] * 30"), lines
    retained = got.diagnosis()["findings"][0]["retained"]["bytes"]
    assert 0.6 * retained <= sum(line["bytes"] for line in lines) <= 1.4 * retained
    row = allocs(bench)[0]
    assert row["live_error"] > 0
    assert row["peak_bytes"] > 0.5 * row["live_bytes"]
    assert allocs(bench, "--peak")[0]["line"] == row["line"]


def test_nothing_is_told_that_was_not_followed(bench: Bench, python: str) -> None:
    program(bench, 0.3)
    for options in (("--no-track",), ("--sample", "0"), ("--exact", "--no-track")):
        got = bench.watched("app.py", options=("--json", *options))
        assert all(not finding["allocated_at"] for finding in got.diagnosis()["findings"])
    assert bench.execute([EXE, "show", bench.file, "--view", "allocs"]).status == 5


def test_samples_are_taken_unless_told_otherwise(bench: Bench, python: str) -> None:
    """A leak of some 40 MB gets its line without any option."""
    text = """
        import time
        kept = []
        def fill():
            kept.append(bytearray(40_000))
        def main():
            for _ in range(1000):
                fill()
                time.sleep(.001)
        main()
    """
    bench.script(textwrap.dedent(text).strip())
    [found] = leak_of(bench).diagnosis()["findings"]
    [here] = [made for made in found["allocated_at"] if made["function"] == "fill"]
    assert here["line"] == 4 and 20_000_000 < here["bytes"] < 80_000_000


def test_a_program_runs_as_without(bench: Bench, python: str) -> None:
    text = """
        import gc, os, subprocess, sys, threading, traceback
        def deep(n):
            return n and deep(n - 1) + 1
        def work():
            data = [{"k": (i, str(i), float(i))} for i in range(5000)]
            print(deep(300), len(data), sys.getrefcount(data), threading.active_count())
        def fail():
            raise ValueError("as it is")
        threads = [threading.Thread(target=work) for _ in range(2)]
        for t in threads: t.start(); t.join()
        work()
        print(sys.argv, gc.isenabled(), gc.collect() >= 0, [x for x in range(3)])
        for g in (deep(2) for _ in range(3)): print(g)
        try: fail()
        except ValueError: traceback.print_exc()
        print(subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True).stdout)
        sys.exit(7)
    """
    bench.script(textwrap.dedent(text))
    plain = bench.alone("app.py", "a")
    for how in ("--exact", "--sample=512K"):
        got = bench.watched("app.py", "a", options=(*QUIET, *how.split("=")))
        assert got.plain() == plain.plain(), how


def test_processes_that_are_followed(bench: Bench, python: str) -> None:
    text = """
        import os, subprocess, sys, time
        kept = []
        def fill():
            for i in range(20):
                kept.extend([i, j] for j in range(1500))
                time.sleep(0.05)
        if sys.argv[1:] != ["child"]:
            pid = os.fork()
            if not pid:
                fill()
                sys.exit()
            subprocess.run([sys.executable, __file__, "child"], check=True)
            os.waitpid(pid, 0)
        else:
            fill()
    """
    script = bench.script(textwrap.dedent(text))
    got = bench.watched(script, options=("-q", "--exact", "--follow-children"))
    assert got.status == 0, got.stderr
    files = [path for path in bench.folder.glob("*.hlens") if path != bench.file]
    assert len(files) == 2, files
    wanted = line_of(textwrap.dedent(text), "kept.extend")
    for file in files:
        rows = allocs(bench, "--top", "1", file=file)
        assert rows[0]["line"] == wanted
        assert rows[0]["live_blocks"] >= 20000


def test_a_child_that_is_not_followed(bench: Bench, python: str) -> None:
    text = """
        import os
        kept = [[i] for i in range(20000)]
        def work():
            made = [{"a": i, "b": [i] * 50} for i in range(20000)]
            kept[:] = [str(i) for i in range(20000)]
            return len(made)
        pid = os.fork()
        work()
        if not pid: os._exit(0)
        print(work(), os.waitpid(pid, 0)[1])
    """
    bench.script(textwrap.dedent(text))
    for how in ("--exact", "--sample=16K"):
        assert bench.watched("app.py", options=(*QUIET, *how.split("="))).stdout == "20000 0\n"


def test_sessions_of_the_program(bench: Bench, python: str) -> None:
    """heaplens.track() in a program that runs under heaplens: with its session, or within ours."""
    text = """
        try:
            import heaplens
        except ImportError:
            print("none")
            raise SystemExit
        before = [bytes(500) for _ in range(100)]
        with heaplens.track() as t:
            kept = [bytes(1000) for _ in range(100)]
            here = sum(r.bytes for r in t.snapshot().rows() if r.file == __file__)
        print("within", 100000 < here < 115000, t.result.mode)
        with heaplens.track() as again:
            pass
        print("again", sum(r.blocks for r in again.result.rows() if r.file == __file__) < 10)
    """
    script = bench.script(textwrap.dedent(text))
    own = str(EXE.parent / "python3")
    if python != own:
        pytest.skip("the package is installed for one of them")
    for options in (("--no-track",), (), ("--exact",)):  # the run's samples give way
        got = bench.watched(script, options=(*QUIET, *options))
        assert got.stdout.splitlines() == ["within True exact", "again True"], got
    assert allocs(bench)  # our session has gone on


def test_looks_of_the_program_itself(bench: Bench, python: str) -> None:
    """Snapshots and watches of a program that runs under heaplens read the tables of its tracker."""
    text = """
        import heaplens
        kept = [bytearray(1000) for _ in range(500)]
        heaplens.snapshot("own.hlens").close()
        with heaplens.watch("watch.hlens") as w:
            for _ in range(12):
                kept.extend([i] for i in range(100))
                w.mark()
        print(w.diagnose().verdict)
    """
    text = textwrap.dedent(text)
    script = bench.script(text)
    if python != str(EXE.parent / "python3"):
        pytest.skip("the package is installed for one of them")
    for how in ("--exact", "--sample=2K"):
        for file in ("own.hlens", "watch.hlens"):
            (bench.folder / file).unlink(missing_ok=True)
        assert bench.watched(script, options=(*QUIET, *how.split("="))).stdout == "leak\n"
        rows = {row["line"]: row for row in allocs(bench, file=bench.folder / "own.hlens")
                if str(row["file"]).endswith("app.py")}
        assert 400_000 < rows[line_of(text, "bytearray(")]["live_bytes"] < 700_000, rows
        rows = {row["line"]: row for row in allocs(bench, file=bench.folder / "watch.hlens")
                if str(row["file"]).endswith("app.py")}
        assert rows[line_of(text, "kept.extend")]["live_blocks"] > 800, rows


@pytest.mark.one_interpreter
def test_a_file_grows_with_lines_not_with_allocations(bench: Bench, python: str) -> None:
    text = """
        import sys, time
        def churn(n):
            for i in range(n):
                [i]
        for _ in range(10):
            churn(int(sys.argv[1]))
            time.sleep(0.05)
    """
    bench.script(textwrap.dedent(text))
    sizes = []
    for n in (1000, 200000):
        bench.watched("app.py", n, options=(*QUIET, "--exact", "--max-snapshots", "6"))
        sizes.append(bench.file.stat().st_size)
    assert sizes[1] < 1.5 * sizes[0] + 200000, sizes


@pytest.mark.one_interpreter
def test_what_a_kill_leaves(bench: Bench, python: str) -> None:
    program(bench, 30)
    line = [EXE, "run", "-f", "-o", bench.file, "--exact", "--interval", "50", "--python", python, "app.py"]
    started = subprocess.Popen([str(w) for w in line], cwd=bench.folder, env=environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    time.sleep(2)
    os.kill(started.pid, signal.SIGKILL)
    started.wait()
    time.sleep(0.5)
    rows = allocs(bench, killed=True)
    assert any(
        row["function"].endswith("__init__") and row["live_blocks"] > 1000 for row in rows
    ), rows


def test_an_object_is_all_its_blocks(bench: Bench, python: str) -> None:
    """Items that lie in a block of their own belong to what holds them."""
    text = """
        import array, collections, io, time
        many = collections.deque(range(300) for _ in range(40_000))
        numbers = array.array("d", [0.5]) * 50_000
        buffer = bytearray(300_000)
        names = {i for i in range(30_000)}
        text = io.StringIO("x" * 50_000)
        text.write("y")
        table = dict.fromkeys(range(20_000))
        row = [None] * 40_000
        time.sleep(0.3)
    """
    bench.script(textwrap.dedent(text))
    bench.watched("app.py", options=(*QUIET, "--exact"))
    rows = {row["where"]: row["live_bytes"] for row in allocs(bench, "--group-by", "type", "--top", "1000")}
    assert rows["collections.deque"] >= 40_000 * 8, rows
    assert rows["array.array"] >= 400_000, rows
    assert rows["bytearray"] >= 300_000, rows
    assert rows["set"] >= 30_000 * 16, rows
    assert rows["_io.StringIO"] >= 200_000, rows
    assert rows["dict"] >= 20_000 * 24 and rows["list"] >= 320_000, rows


ARENAS = """
    import sys, time
    KEPT, STAY = [], []

    def fills(n):
        made = [(i, "text %d" % i) for i in range(n)]
        STAY.extend(made[::700])  # a few hold the arenas that all the others leave
        return len(made)

    def leaks(n):
        for i in range(n):
            KEPT.append((i, "text %d" % i))

    fills(120_000)
    for _ in range(12):
        leaks(8_000)
        time.sleep(0.05)
"""


def test_the_line_where_memory_is_used_again(bench: Bench, python: str) -> None:
    """The leak lies in arenas the process has from another line: whoever watches the system's
    allocator alone blames that one."""
    text = textwrap.dedent(ARENAS)
    bench.script(text)
    wanted = line_of(text, "KEPT.append")
    for how in ("--exact", "--sample=16K"):
        got = leak_of(bench, *how.split("="))
        lines = got.diagnosis()["findings"][0]["allocated_at"] if how == "--exact" else []
        assert all(line["line"] == wanted for line in lines[:1]), lines
        rows = [row for row in allocs(bench) if str(row["file"]).endswith("app.py")]
        assert rows[0]["line"] == wanted
        others = sum(row["live_bytes"] for row in rows if row["line"] == line_of(text, "made = ["))
        assert others < rows[0]["live_bytes"] / 20, (how, rows)


REQUESTS = """
    import collections, functools, re, time

    LAST = collections.deque(maxlen=1500)
    TABLES = {}

    class Client:
        seen = []

        def serve(self, n):
            entry = {"n": str(n), "where": "/page/%d" % n, "what": "y" * 50}
            self.seen.append(entry)

    @functools.lru_cache(maxsize=2000)
    def looked_up(n):
        return [str(n)] * 9

    def table(name):
        if name not in TABLES:
            TABLES[name] = {i: str(i) for i in range(15_000)}
        return TABLES[name]

    def request(client, n):
        client.serve(n)
        looked_up(n % 3000)
        LAST.append(bytearray(250))
        table("units")
        re.search("p%dq" % (n % 250), "text")

    client = Client()
    for n in range(24_000):
        request(client, n)
        if n % 40 == 0:
            time.sleep(0.001)
"""


def test_what_only_looks_like_a_leak_is_not_told(bench: Bench, python: str) -> None:
    """One leak; beside it a cache and a ring that fill up, a table that is built once, and compiled
    expressions in a cache of the library."""
    text = textwrap.dedent(REQUESTS)
    bench.script(text)
    got = leak_of(bench, "--exact")
    findings = got.diagnosis()["findings"]
    assert [finding["holder"]["name"] for finding in findings] == ["__main__.Client.seen"]
    here = {line["line"] for line in findings[0]["allocated_at"] if line["file"].endswith("app.py")}
    entry, append = line_of(text, "entry = {"), line_of(text, "seen.append")
    assert made_at(got)[0]["line"] == entry
    assert here <= {entry, append}, (here, findings[0]["allocated_at"])


UNDER_OTHERS = """
import threading

KEPT = []

def make(i):
    KEPT.append(bytes(700 + i % 300))
    KEPT.append(str(i) * (i % 9))

def work():
    for i in range(4000):
        make(i)

threads = [threading.Thread(target=work) for _ in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(open("/proc/self/maps").read().count(LIBRARY) > 0)
"""


@pytest.mark.one_interpreter
@pytest.mark.parametrize("option", ["--exact", "--sample=4K"])
@pytest.mark.parametrize("allocator", ["pymalloc", "malloc", "debug"])
@pytest.mark.parametrize("library", ["", "jemalloc", "mimalloc"])
def test_whatever_allocates_below(
    bench: Bench, python: str, library: str, allocator: str, option: str
) -> None:
    path = ctypes.util.find_library(library) if library else None
    if library and not path:
        pytest.skip(f"no {library}: tools/bootstrap.sh dev")
    bench.script(UNDER_OTHERS.replace("LIBRARY", repr(library)))
    env = {**environment(), "PYTHONMALLOC": allocator, **({"LD_PRELOAD": path} if path else {})}
    got = bench.watched("app.py", options=(*QUIET, option), env=env)
    assert (got.status, got.stdout.splitlines()[0]) == (0, "True"), got.stderr
    rows = [r for r in allocs(bench) if r["function"] == "make"]
    exact = sum(700 + i % 300 + 33 for i in range(4000)) * 4
    assert 0.9 * exact < rows[0]["live_bytes"] < 1.1 * exact, rows


MADE_BY_THREADS = """
import sys, threading, time

def work(n):
    for i in range(n):
        bytes(1000)

def hold(n, gate):
    work(n)
    gate.wait()

def pairs(n):
    for i in range(n):
        a = bytes(3000)
        b = bytes(5000)
        del a, b

gate = threading.Event()
held = [threading.Thread(target=hold, args=(n, gate), name="made %d" % n) for n in (4000, 9000)]
gone = threading.Thread(target=work, args=(7000,))
for t in held + [gone]:
    t.start()
gone.join()
pairs(2000)
while sum(t.is_alive() for t in held) < 2:
    time.sleep(0.01)
time.sleep(0.3)
try:
    import heaplens
    heaplens.snapshot(sys.argv[1])
finally:
    gate.set()
"""


@pytest.mark.one_interpreter  # that has the package
@pytest.mark.parametrize("options", [("--exact",), ("--sample=2K",)], ids=["exact", "samples"])
def test_each_thread_has_what_it_made(bench: Bench, python: str, options: tuple[str, ...]) -> None:
    bench.script(MADE_BY_THREADS)
    look = bench.folder / "look.hlens"
    got = bench.watched("app.py", str(look), options=(*QUIET, *options))
    assert got.status == 0, got.stderr
    rows = {r["where"]: r for r in allocs(bench, "--group-by", "thread", "--total", file=look)}
    wide = 0.02 if options == ("--exact",) else 0.2
    for where, n in {"made 4000": 4000, "made 9000": 9000, "threads that are gone": 7000}.items():
        total = rows[where]["total_bytes"]
        assert n * 1000 * (1 - wide) < total < n * 1200 * (1 + wide) + 200_000, (where, total)
    assert rows["made 9000"]["temporary_bytes"] > 9000 * 1000 * (1 - wide)
    assert rows["MainThread"]["total_bytes"] > 2000 * 8000 * (1 - wide)


@pytest.mark.one_interpreter
def test_within_how_many_allocations_it_was_freed(bench: Bench, python: str) -> None:
    """A pair made and dropped together: the first of it went one allocation late."""
    bench.script(MADE_BY_THREADS)
    look = bench.folder / "look.hlens"
    first = line_of(MADE_BY_THREADS, "bytes(3000)")

    def soon(*options: str) -> int:
        rows = allocs(bench, "--top", "100000", *options, file=look)
        return sum(r["temporary_blocks"] for r in rows if r["line"] == first)

    got = bench.watched("app.py", str(look), options=(*QUIET, "--temporary"))
    assert got.status == 0, got.stderr
    assert soon("--temporary") < 2000 <= soon("--temporary=8") <= soon("--temporary=64")
    for options, said in (("--exact", "record with 'heaplens run --temporary'"), ("--sample=2K", "samples tell only")):
        look.unlink()
        bench.watched("app.py", str(look), options=(*QUIET, options))
        words = [EXE, "show", str(look), "--view", "allocs", "--temporary=8"]
        refused = bench.execute(words)
        assert refused.status == 5 and said in refused.stderr, refused.stderr
