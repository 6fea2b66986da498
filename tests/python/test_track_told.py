"""heaplens.track(): what is told of an allocation, held against tracemalloc and against the interpreter's own lines."""

from __future__ import annotations

import gc
import sys
import threading

import pytest
from tracked import PYTHON, line_here, lines_of, run

import heaplens

HERE = __file__


def test_bytes_are_those_of_the_line():
    with heaplens.track() as t:
        block = bytearray(1_000_000)
        one = line_here()
        others = [bytes(1000) for _ in range(50)]
        two = line_here()
        rows = lines_of(t, HERE)
        assert rows[one - 1].bytes == sys.getsizeof(block)
        assert rows[one - 1].blocks == 2  # the object, its buffer
        assert rows[two - 1].bytes >= 50 * sys.getsizeof(bytes(1000))
        del others
        gone = lines_of(t, HERE)
        assert two - 1 not in gone or gone[two - 1].bytes < 1000  # 3.9 keeps a frame
        assert gone[two - 1].total_bytes >= 50 * 1000
    assert t.result and t.result.mode == "exact" and t.result.lost == 0


def test_the_whole_stack_is_known():
    def inner() -> bytes:
        return bytes(5000)

    def outer() -> bytes:
        return inner()

    with heaplens.track() as t:
        kept = outer()
        rows = [r for r in t.snapshot().rows("traceback") if r.bytes == sys.getsizeof(kept)]
    assert len(rows) == 1
    names = [frame.function.split(".")[-1] for frame in rows[0].stack[:3]]
    assert names == ["inner", "outer", "test_the_whole_stack_is_known"]
    assert [f.line for f in rows[0].stack[:2]] == [
        inner.__code__.co_firstlineno + 1,
        outer.__code__.co_firstlineno + 1,
    ]


def test_totals_and_what_was_brief():
    with heaplens.track() as t:
        line = line_here() + 2
        for _ in range(100):
            bytes(3000)
        row = lines_of(t, HERE)[line]
        assert row.bytes == 0 and row.total_blocks >= 100
        assert row.total_bytes >= 100 * 3000
        assert row.brief_blocks >= 100


def test_the_peak_is_what_lived_then():
    with heaplens.track() as t:
        line = line_here() + 1
        block = bytearray(30_000_000)
        del block
        small = bytearray(10)
        allocations = t.snapshot()
    assert 30_000_000 <= allocations.peak_bytes < 31_000_000
    at_peak = {row.line: row.bytes for row in allocations.rows(peak=True)}
    assert at_peak[line] > 29_999_999
    assert allocations.bytes < 1_000_000
    del small


def test_threads_domains_and_ages_are_told_apart():
    kept: list[bytes] = []

    def work() -> None:
        kept.append(bytes(70_000))

    with heaplens.track() as t:
        kept.append(bytes(40_000))
        t.checkpoint()
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        now = t.snapshot()
    by_thread = sorted(r.bytes for r in now.rows("thread"))[-2:]
    assert by_thread[0] >= 40_000 and by_thread[1] >= 70_000
    by_age = {r.line: r.bytes for r in now.rows("age")}
    assert by_age[0] >= 40_000 and by_age[1] >= 70_000
    assert {r.function for r in now.rows("domain")} <= {"raw", "mem", "object"}
    with pytest.raises(heaplens.Error, match="cannot group by 'colour'"):
        now.rows("colour")


def test_within_how_many_allocations_it_is_freed():
    def work() -> None:
        for _ in range(500):
            a = bytes(3000)
            b = bytes(5000), bytes(6000), bytes(7000)
            del a, b

    line = work.__code__.co_firstlineno + 2
    with heaplens.track(temporary=True) as t:
        work()
        now = t.snapshot()
    soon = [
        {r.line: r for r in now.rows(within=n) if r.file == HERE}[line].brief_blocks
        for n in (1, 2, 4, 8, 16)
    ]
    # until it goes: the tuple, three more blocks, and what calls need
    assert soon == sorted(soon) and soon[0] < 500 and soon[2] + 500 <= soon[-1], soon
    with pytest.raises(heaplens.Error, match="1, 2, 4"):
        now.rows(within=3)
    with heaplens.track() as t:
        work()
        with pytest.raises(heaplens.Error, match="temporary=True"):
            t.snapshot().rows(within=2)
    with pytest.raises(heaplens.Error, match="samples do not tell"):
        heaplens.track(rate=5000, temporary=True)


def test_each_thread_has_what_it_made():
    def work(n: int) -> None:
        for _ in range(n):
            bytes(2000)

    with heaplens.track() as t:
        threads = [threading.Thread(target=work, args=(n,)) for n in (300, 900, 2700)]
        for thread in threads:
            thread.start()
            thread.join()
        made = sorted(r.total_bytes for r in t.snapshot().rows("thread"))
    for n, total in zip((300, 900, 2700), made[-3:]):
        assert n * 2000 < total < n * 2200 + 100_000, made  # and a tuple, an int


BOTH = """
    import gc, json, sys, tracemalloc
    import heaplens
    from heaplens._core import core

    class Slotted:
        __slots__ = ("a", "b")
        def __init__(self, a, b):
            self.a = a
            self.b = b

    class Plain:
        def __init__(self, a):
            self.a = a
            self.b = [a] * 3

    KEPT = []

    def work(n):
        for i in range(n):
            KEPT.append(Slotted("%d" % i, "x" * (i % 70)))
            KEPT.append(Plain(b'%d' % i))
            KEPT.append({"n": i, i: str(i)})
            KEPT.append((i, [i], {i}, frozenset([i, n])))
            KEPT.append(bytearray(i))
        del KEPT[::3]
        KEPT.extend(json.loads(json.dumps([{"k": [i, str(i)]} for i in range(200)])))
        KEPT.append(lambda: n)
        KEPT.append(iter(KEPT))
        for x in KEPT[-2:]:
            KEPT.append(x)

    work(3)
    KEPT.clear()
    gc.collect()
    gc.disable()
    t = heaplens.track(horizon=0)
    ORDER
    work(250)
    theirs = tracemalloc.take_snapshot()
    ours = core().track_rows()
    tracemalloc.stop()
    t.stop()
    file, first = work.__code__.co_filename, work.__code__.co_firstlineno
    a = {}
    for trace in theirs.traces:
        frame = trace.traceback[0]
        if frame.filename == file:
            a.setdefault(frame.lineno, [0, 0])
            a[frame.lineno][0] += trace.size
            a[frame.lineno][1] += 1
    b = {}
    for site, age, who, domain, blocks, size, variance in ours["live"]:
        parent, code, line = ours["sites"][site]
        if ours["codes"][code][0] == file and domain > 1:  # raw: tracemalloc's own traces
            b.setdefault(line, [0, 0])
            b[line][0] += size
            b[line][1] += int(blocks)
    for line in sorted(set(a) | set(b)):
        if first < line < first + 15 and a.get(line) != b.get(line):
            print(line, a.get(line), b.get(line))
    print("lines", len(a), "bytes", sum(x[0] for x in a.values()) > 50_000)
"""


@pytest.mark.parametrize("order", ["ours first", "theirs first"])
def test_each_line_is_as_tracemalloc_says(order):
    """To the byte, line by line. Not compared: the comparison itself, and the cells a frame begins with:
    they have no line, we say the function's first, and tracemalloc the caller's or 0."""
    starts = "tracemalloc.start(1)\n    t.start()"
    if order == "ours first":
        starts = "t.start()\n    tracemalloc.start(1)"
    out = run(BOTH.replace("ORDER", starts)).splitlines()
    if PYTHON < (3, 10):  # dicts from the free list: hl_lists_caveat
        out = [line for line in out if line.startswith("lines")]
    assert len(out) == 1 and out[0].endswith("bytes True"), out


def test_code_that_dies_leaves_its_lines():
    kept = []
    with heaplens.track() as t:
        for i in range(300):
            space = {"kept": kept}
            exec(compile(f"def f():\n{chr(10) * (i % 3)} kept.append(bytes(10_000))\nf()", "gone.py", "exec"), space)
            del space
            gc.collect() if i % 50 == 0 else None
        rows = [r for r in t.snapshot().rows() if r.file == "gone.py" and r.bytes >= 1000]
    assert {r.line: r.bytes // 10_033 for r in rows if r.function == "f"} == {2: 100, 3: 100, 4: 100}
    with heaplens.track() as t:
        pass
    assert len(t.result._sites) < 50_000


def test_lines_are_those_the_interpreter_says():
    """Every instruction of a few large modules, through our reader of line tables."""
    out = run(
        """
        import sys, types, argparse, inspect, typing, decimal, _pydecimal, asyncio.base_events
        import heaplens
        from heaplens._core import core
        codes = []
        def walk(code):
            codes.append(code)
            for c in code.co_consts:
                if isinstance(c, types.CodeType): walk(c)
        for m in (argparse, inspect, typing, _pydecimal, asyncio.base_events, types):
            for f in list(vars(m).values()):
                if isinstance(f, types.FunctionType): walk(f.__code__)
                if isinstance(f, type):
                    for g in vars(f).values():
                        if isinstance(g, types.FunctionType): walk(g.__code__)
        wrong = n = 0
        for c in codes:
            table = c.co_linetable if sys.version_info >= (3, 10) else c.co_lnotab
            spans = core().track_lines(table, c.co_firstlineno, len(c.co_code))
            if sys.version_info >= (3, 10):
                want = {}
                for a, b, line in c.co_lines():
                    for at in range(a, b, 2): want[at] = line or c.co_firstlineno
            else:
                import dis
                starts, line, want = dict(dis.findlinestarts(c)), c.co_firstlineno, {}
                for at in range(0, len(c.co_code), 2):
                    line = starts.get(at, line)
                    want[at] = line
            for i, line in enumerate(spans):
                n += 1
                wrong += want.get(2 * i, line) != line
        print(wrong, n > 20_000)
        """
    )
    assert out == "0 True\n"
