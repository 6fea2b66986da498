"""heaplens.track(): sessions: one in another, many in a row, as a decorator, left open at the end, beside snapshots."""

from __future__ import annotations

import sys

import pytest
from tracked import run

import heaplens


def test_blocks_inside_one_another_tell_their_own():
    with heaplens.track() as outer:
        first = bytes(100_000)
        with heaplens.track() as inner:
            second = bytes(200_000)
            assert 200_000 <= inner.snapshot().bytes < 260_000
        assert 300_000 <= outer.snapshot().bytes
    assert inner.result and inner.result.total_bytes >= 200_000
    assert inner.result.total_bytes < 300_000
    assert outer.result and outer.result.total_bytes >= 300_000
    with pytest.raises(heaplens.Error, match="not being tracked"):
        outer.snapshot()
    del first, second


def test_a_function_can_be_tracked():
    @heaplens.track()
    def load() -> bytes:
        return bytes(123_456)

    kept = load()
    line = load.__wrapped__.__code__.co_firstlineno + 2
    rows = [r for r in load.track.result.rows() if r.line == line]
    assert rows[0].bytes == sys.getsizeof(kept)


def test_start_and_stop_many_times():
    kept = []
    for i in range(60):
        with heaplens.track(rate=None if i % 3 else 4000) as t:
            kept.append([bytes(100) for _ in range(30)])
            if i % 3:
                assert t.snapshot().bytes >= 30 * 100
        kept[i // 2] = None
    assert t.result


def test_samples_and_everything_do_not_mix():
    with heaplens.track(rate=5000), pytest.raises(heaplens.Error, match="samples are being taken"):
        heaplens.track().start()
    with pytest.raises(heaplens.Error, match="less than one"):
        heaplens.track(rate=0.5)


@pytest.mark.parametrize("rate", ["None", "1000"])
def test_a_program_may_end_without_a_stop(rate):
    out = run(
        f"""
        import atexit, heaplens, sys, threading, time, weakref
        def work():
            while True:
                [str(i) for i in range(50)]
        threading.Thread(target=work, daemon=True).start()
        class Late:
            def __del__(self):
                [str(i) * 9 for i in range(1000)]
        cycle = [Late()]
        cycle.append(cycle)
        sys.modules["late"] = Late()
        t = heaplens.track(rate={rate}).start()
        atexit.register(lambda: print("end", flush=True))
        kept = [[str(i)] for i in range(20000)]
        """
    )
    assert out == "end\n"


def test_snapshots_and_tracking_live_together(tmp_path):
    def frames(n: int) -> heaplens.Snapshot:
        return frames(n - 1) if n else heaplens.snapshot(str(tmp_path / "a.hlens"))

    with heaplens.track() as t:
        kept = [Exception(str(i)) for i in range(3000)]
        s = frames(30)
        again = [Exception(str(i)) for i in range(3000)]
        assert t.snapshot().bytes > 2 * 3000 * 100
    assert s.summary and s.summary.objects > 3000
    del kept, again
