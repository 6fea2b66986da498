"""Memory by line: sums against the interpreter's own, shapes of the table, words for bad input."""

import ctypes
import json
import mmap
import pathlib
import re
import subprocess
import sys
import textwrap

import pytest

from heaplens._lines import Lines
from heaplens.compat import memory_profiler

HERE = pathlib.Path(__file__).parent
SIZE = sys.getsizeof(bytearray(1000)) - 1000  # of a bytearray beside its contents
EXACT = ["loop", "recursive", "calls", "comprehension", "consume", "method", "static", "falls"]


@pytest.fixture(scope="module")
def cases():
    done = subprocess.run(
        [sys.executable, str(HERE / "lines_oracle.py")], capture_output=True, text=True, check=True
    )
    return {case["case"]: case for case in json.loads(done.stdout)}


def first(case):
    return next(iter(case["functions"].values()))


def net(function):
    return sum(row[0] for row in function["lines"].values())


@pytest.mark.parametrize("name", EXACT)
def test_lines_sum_up_to_what_changed(cases, name):
    case = cases[name]
    assert net(first(case)) == case["changed"]
    assert first(case)["calls"] == (11 if name == "recursive" else 1)


def test_a_loop_is_of_its_lines(cases):
    lines = first(cases["loop"])["lines"]
    assert lines["3"][0] >= sum(SIZE + 1000 + i for i in range(50))
    assert lines["2"][1] == 51 and lines["3"][1] == 50
    assert lines["1"][0] == lines["2"][0] == lines["4"][0] == 0


def test_recursion_counts_once(cases):
    lines = first(cases["recursive"])["lines"]
    assert lines["1"][:2] == [11 * (SIZE + 1000), 11]
    assert lines["4"][0] < 10 * SIZE + 1000  # what it called is told in line 1


def test_what_a_line_calls_is_of_the_line_and_of_the_called(cases):
    functions = cases["calls"]["functions"]
    lines = functions["caller"]["lines"]
    assert lines["1"][0] >= 10 * (SIZE + 300) and lines["2"][0] >= 20 * (SIZE + 300)
    assert lines["3"][0] == -lines["1"][0] + (
        functions["callee"]["lines"]["1"][0] - lines["1"][0] - lines["2"][0]
    )
    assert functions["callee"]["calls"] == 2


def test_a_peak_is_told_though_nothing_stays(cases):
    lines = first(cases["falls"])["lines"]
    assert lines["4"][0] == -lines["3"][0] == -(SIZE + 100_000)
    assert lines["3"][2] >= SIZE + 100_000 and lines["4"][2] == 0


def test_an_exception_ends_a_line(cases):
    functions, changed = cases["raises"]["functions"], cases["raises"]["changed"]
    assert functions["failing"]["lines"]["1"][0] == SIZE + 4000
    assert functions["failing"]["lines"]["2"][1] == 1
    assert functions["raises"]["lines"]["2"][0] == SIZE + 5000
    frames = 600  # a traceback makes objects for frames, which go when these return
    assert abs(net(functions["raises"]) - changed) < frames


def test_a_generator_is_told_while_it_runs(cases):
    lines = first(cases["generators"])["lines"]
    assert lines["2"][:2] == [12 * (SIZE + 2000), 12]
    assert lines["1"][1] == 12


def test_threads_each_have_lines_of_their_own(cases):
    function = first(cases["threads"])
    assert function["calls"] == 3
    assert function["lines"]["3"][0] % 3 == 0 and function["lines"]["3"][1] == 30
    assert function["lines"]["3"][0] >= 3 * sum(SIZE + 1000 + i for i in range(10))


def test_coroutines_take_turns(cases):
    function = first(cases["coroutines"])
    assert function["calls"] == 2
    assert function["lines"]["1"][:2] == [2 * SIZE + 3000, 2]
    assert function["lines"]["5"][0] == 2 * (SIZE + 10)


def large():
    here = [0] * 12_000_000  # more than malloc ever keeps to itself: it is mapped, and given back
    del here


def test_resident_memory_is_told_where_it_comes_and_goes():
    lines = Lines()
    lines.choose(large.__code__)
    with lines:
        large()
    begin, made, gone = (lines.functions()[0].lines[i] for i in range(3))
    assert 90e6 < made.rss_increment < 105e6 and -105e6 < gone.rss_increment < -90e6
    assert made.rss > 90e6 + begin.rss
    lines.close()


def touches(at, sizes):
    begin = at
    for size in sizes:
        ctypes.memset(at, 1, size)
        at += max(size, 4096)
        at -= at % 4096
    return at - begin


def test_a_quick_line_that_becomes_slow_has_its_pages():
    step, quick, slow = 2 << 20, 300, 40
    pages = mmap.mmap(-1, quick * 4096 + (slow + 1) * step)
    at = ctypes.addressof(ctypes.c_char.from_buffer(pages))
    lines = Lines()
    lines.choose(touches.__code__)
    with lines:
        assert touches(at, [1] * quick + [step] * slow) > slow * step
    rows = lines.functions()[0].lines
    first = touches.__code__.co_firstlineno
    rises = {row.line - first: row.rss_increment for row in rows}
    assert sum(rises.values()) > 0.95 * slow * step
    assert rises[3] > 0.7 * slow * step
    lines.close()


def test_who_is_enabled_around_another_sees_all():
    outer, inner = Lines(), Lines()
    outer.choose(large.__code__)
    inner.choose(large.__code__)
    with outer:
        large()
        with inner:
            large()
        inner.close()
    assert outer.functions()[0].calls == 2
    assert all(line.occurrences == 2 for line in outer.functions()[0].lines)
    outer.close()


def test_lines_that_are_closed_say_so():
    lines = Lines()
    lines.close()
    with pytest.raises(ValueError, match="closed"):
        lines.functions()
    with pytest.raises(ValueError, match="closed"):
        lines.choose(large.__code__)


# ---- the drop-in --------------------------------------------------------------------------------


def run(text, tmp_path, *words, interpreter=()):
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(text))
    return subprocess.run(
        [sys.executable, *interpreter, *words, str(script)],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )


ROW = re.compile(r"^ *(\d+) +(-?[\d.]+) MiB +(-?[\d.]+) MiB +(\d+)   (.*)$", re.M)

KINDS = """
    import asyncio
    from heaplens.compat.memory_profiler import profile

    @profile
    def plain():
        a = 1
        return a

    @profile(precision=3)
    def generator(n):
        for i in range(n):
            got = yield i
        return got

    @profile(backend="tracemalloc", precision=6)
    async def coroutine(n):
        kept = bytearray(n)
        await asyncio.sleep(0)
        return kept

    @profile
    async def asynchronous(n):
        for i in range(n):
            yield i

    class Holder:
        @profile
        def method(self):
            return self

    def through():
        return (yield from generator(2))

    async def all_of_them():
        results = await asyncio.gather(coroutine(2**20), coroutine(2**21))
        assert [len(r) for r in results] == [2**20, 2**21]
        assert [i async for i in asynchronous(3)] == [0, 1, 2]

    plain()
    assert list(through()) == [0, 1]
    asyncio.run(all_of_them())
    assert isinstance(Holder().method(), Holder)
"""


def test_each_kind_of_function_prints_its_table(tmp_path):
    done = run(KINDS, tmp_path)
    assert done.returncode == 0, done.stderr
    rows = [(text.strip(), times, inc) for _, _, inc, times, text in ROW.findall(done.stdout)]
    assert ("a = 1", "1", "0.0") in rows
    assert ("got = yield i", "2", "0.000") in rows
    assert ("yield i", "3", "0.0") in rows
    assert [(t, n) for t, n, _ in rows].count(("return self", "1")) == 1
    made = sorted(float(inc) for text, _, inc in rows if text == "kept = bytearray(n)")
    assert [round(x, 3) for x in made] == [1, 2]  # each task's own


def test_as_a_module_it_prints_at_the_end(tmp_path):
    text = """
        @profile
        def twice():
            return [0] * 10
        twice(); twice()
        raise SystemExit(3)
    """
    done = run(text, tmp_path, "-m", "heaplens.compat.memory_profiler")
    assert done.returncode == 3, done.stderr
    assert "Line #    Mem usage    Increment  Occurrences   Line Contents\n====" in done.stdout
    assert [(n, text.strip()) for *_, n, text in ROW.findall(done.stdout)][-1] == (
        "2",
        "return [0] * 10",
    )


def test_a_script_that_is_not_there(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "heaplens.compat.memory_profiler", "nowhere.py"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 1 and "Could not find script nowhere.py" in done.stderr


def grows(n):
    held = [0] * n
    return len(held)


def test_memory_usage_has_the_shapes_of_the_original():
    usage = memory_profiler.memory_usage
    assert isinstance(usage()[0], float) and len(usage()) == 1
    assert len(usage(-1, interval=0.01, timeout=0.05)) == 5
    assert isinstance(usage(max_usage=True), float)
    (memory, when), *_ = usage(timestamps=True)
    assert memory > 1 and when > 1e9
    most, returned = usage((grows, (4_000_000,)), max_usage=True, retval=True, max_iterations=1)
    assert returned == 4_000_000 and isinstance(most, float)
    seen = usage((grows, (), {"n": 4_000_000}), interval=0.001, max_iterations=1)
    assert all(isinstance(x, float) for x in seen) and len(seen) >= 3
    with pytest.raises(ZeroDivisionError):
        usage(lambda: 1 / 0)
    with pytest.raises(ValueError, match="args"):
        usage((1, 2, 3, 4))
    with pytest.raises(KeyError):
        usage(backend="nonesuch")


def test_memory_usage_of_another_process(tmp_path):
    child = subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        child.stdout.readline()  # it is up
        assert memory_profiler.memory_usage(child.pid)[0] > 1
        both = memory_profiler.memory_usage(include_children=True)[0]
        assert both > memory_profiler.memory_usage(child.pid)[0]
        with open(tmp_path / "mprofile.dat", "w+") as stream:
            memory_profiler.memory_usage(
                child, interval=0.01, timeout=0.05, stream=stream, multiprocess=True
            )
            stream.seek(0)
            assert re.fullmatch(r"(MEM \d+\.\d{6} \d+\.\d{4}\n)+", stream.read())
    finally:
        child.communicate(b"\n")
    with pytest.raises(ProcessLookupError):
        memory_profiler.memory_usage(child.pid)
