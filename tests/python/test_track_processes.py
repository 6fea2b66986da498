"""heaplens.track(): threads, forks and subinterpreters: each allocation once, nothing lost, nothing stuck."""

from __future__ import annotations

import os
import sys
import threading

import pytest
from tracked import PYTHON, run

import heaplens

HERE = __file__


def test_64_threads():
    def work(n: int) -> None:
        for i in range(n):
            mine.append([i, str(i), {"i": i}])
            zlib.compress(bytes(2000))

    import zlib

    mine: list[object] = []
    with heaplens.track() as t:
        threads = [threading.Thread(target=work, args=(150,)) for _ in range(64)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        now = t.snapshot()
    assert now.lost == 0
    line = work.__code__.co_firstlineno + 2
    row = {r.line: r for r in now.rows() if r.file == HERE}[line]
    assert row.blocks >= 64 * 150 * 3
    assert row.bytes >= sum(sys.getsizeof(x[0]) for x in mine)


def test_a_forked_child_goes_on_by_itself():
    with heaplens.track() as t:
        kept = [bytes(1000) for _ in range(500)]
        pid = os.fork()
        if not pid:
            try:
                del kept[::2]
                more = [bytes(5000) for _ in range(100)]
                now = t.snapshot()
                good = 250 * 1000 + 100 * 5000 <= now.bytes < 1_100_000
                os._exit(0 if good and len(more) == 100 else 1)
            finally:
                os._exit(2)
        assert os.waitpid(pid, 0)[1] == 0
        assert t.snapshot().bytes >= 500 * 1000


def test_forks_while_threads_allocate():
    out = run(
        """
        import heaplens, os, threading
        stop = False
        def work():
            kept = []
            while not stop:
                exec("kept.append([object()])", {"kept": kept})
                if len(kept) > 500: kept.clear()
        t = heaplens.track().start()
        threads = [threading.Thread(target=work) for _ in range(4)]
        [x.start() for x in threads]
        bad = 0
        for i in range(40):
            pid = os.fork()
            if not pid:
                mine = [str(j) * 9 for j in range(2000)]
                exec("x = [1] * 100", {})
                os._exit(0 if t.snapshot().bytes > 60_000 else 1)
            bad += os.waitpid(pid, 0)[1] != 0
        stop = True
        [x.join() for x in threads]
        t.stop()
        print(bad)
        """
    )
    assert out == "0\n"


def test_a_storm_of_forks():
    """Children of children, each under way with a tracker of its own."""
    out = run(
        """
        import heaplens, os
        def storm(depth, t):
            kept = [[i, str(i)] for i in range(300)]
            children = []
            for _ in range(4 if depth else 0):
                pid = os.fork()
                if not pid:
                    bad = storm(depth - 1, t)
                    os._exit(bad)
                children.append(pid)
            bad = sum(os.waitpid(pid, 0)[1] != 0 for pid in children)
            del kept[::2]
            return int(bad or t.snapshot().bytes < 150 * 100 or t.snapshot().lost)
        for rate in (None, 3000):
            with heaplens.track(rate=rate, horizon=0) as t:
                held = [bytes(1000) for _ in range(100)]
                print(storm(3, t))
        """
    )
    assert out == "0\n0\n"


def test_subinterpreters_allocate_too():
    if PYTHON >= (3, 13):
        import _interpreters as interpreters  # noqa: PLC0415
    else:
        import _xxsubinterpreters as interpreters  # noqa: PLC0415
    with heaplens.track() as t:
        before = t.snapshot().total_bytes
        other = interpreters.create()
        interpreters.run_string(other, "kept = [str(i) for i in range(1000)]")
        interpreters.destroy(other)
        assert t.snapshot().total_bytes > before + 50_000
    assert t.result.lost == 0


@pytest.mark.skipif(PYTHON < (3, 12), reason="before 3.12 all interpreters share one lock and one allocator")
@pytest.mark.parametrize("rate", [None, 64 * 1024])
def test_interpreters_with_locks_of_their_own_have_allocators_of_their_own(rate):
    out = run(
        f"""
        import threading
        import heaplens
        try:
            import _interpreters as interpreters
            make = interpreters.create
        except ImportError:
            import _xxsubinterpreters as interpreters
            make = lambda: interpreters.create(isolated=True)
        CHURN = "x = {{}}\\nfor n in range(200000):\\n    x[n % 5000] = [n, str(n), {{n: n}}]"
        with heaplens.track(rate={rate}) as t:
            exec(CHURN)
            others = [make() for _ in range(2)]
            threads = [threading.Thread(target=interpreters.run_string, args=(i, CHURN)) for i in others]
            for each in threads:
                each.start()
            exec(CHURN)
            for each in threads:
                each.join()
            for each in others:
                interpreters.destroy(each)
            exec(CHURN)
        print(t.result.lost)
        """
    )
    assert out == "0\n"
