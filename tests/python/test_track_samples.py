"""heaplens.track(): samples: unbiased sums with an honest error, and blocks that are ordinary ones."""

from __future__ import annotations

import sys

from tracked import line_here, run

import heaplens

HERE = __file__


def test_samples_estimate_what_lives_and_what_was_made():
    with heaplens.track(rate=20_000) as t:
        kept = [bytes(i % 900) for i in range(60_000)]
        line = line_here() - 1
        for _ in range(30):
            [str(i) for i in range(3000)]
        now = t.snapshot()
    row = {r.line: r for r in now.rows() if r.file == HERE}[line]
    true = sum(map(sys.getsizeof, kept)) + sys.getsizeof(kept)
    assert now.mode == "sampled" and now.dropped == 0
    assert abs(row.bytes - true) < 5 * row.error + 1
    assert row.error < true / 5
    del kept
    again = heaplens.track(rate=20_000)
    with again:
        assert again.snapshot().bytes < true / 4


def test_samples_estimate_the_peak_and_what_was_brief():
    with heaplens.track(rate=10_000) as t:
        line = line_here() + 1
        block = [bytes(400) for _ in range(20_000)]
        del block
        small = [bytes(100) for _ in range(3000)]
        for _ in range(20_000):
            bytes(500)
        brief = line_here() - 1
        now = t.snapshot()
    true = 20_000 * sys.getsizeof(bytes(400))
    assert 0.8 * true < now.peak_bytes < 1.3 * true + 400_000
    at_peak = {row.line: row.bytes for row in now.rows(peak=True) if row.file == HERE}
    assert 0.8 * true < at_peak[line] < 1.2 * true
    assert now.bytes < true / 4
    rows = {row.line: row for row in now.rows() if row.file == HERE}
    assert rows[line].bytes < true / 20
    total = 20_000
    assert 0.8 * total < rows[brief].brief_blocks < 1.2 * total
    assert rows[brief].brief_blocks <= rows[brief].total_blocks
    assert rows[line].brief_blocks < total / 20
    del small


def test_sampled_blocks_are_ordinary_blocks():
    """Made, grown, shrunk, handed to another thread, freed after the end."""
    out = run(
        """
        import heaplens, threading
        kept = []
        def work():
            for round in range(200):
                a = []
                for i in range(100):
                    a.append(str(i) * (i % 9))
                b = bytearray()
                for i in range(60):
                    b += b"x" * i
                d = {i: [i] for i in range(30)}
                kept.append((a[::5], b[:9], d))
                if round % 3 == 0 and kept:
                    kept.pop(0)
        for rate in (64, 1000, 64):
            with heaplens.track(rate=rate) as t:
                ts = [threading.Thread(target=work) for _ in range(4)]
                [x.start() for x in ts]; [x.join() for x in ts]
            del kept[1::2]
        with heaplens.track() as t:
            work()
        before = len(kept)
        kept.clear()
        for i in range(1000):
            kept.append([i] * 50)
        print(before > 100, t.result.mode, sum(map(len, kept)))
        """
    )
    assert out == "True exact 50000\n"


def test_samples_are_unbiased_and_know_their_error():
    """Two hundred sessions of one program, whose sums are known: their mean is right, and an error bar
    is as wide as the sums scatter."""
    out = run(
        """
        import gc, statistics, sys
        import heaplens
        RATE, SESSIONS = 3000, 200
        def work(kept):
            for i in range(9000):
                kept[i] = bytes(i * 7 % 640)
                str(i) * 9
            return kept
        def sums(rate):
            kept = [None] * 9000
            with heaplens.track(rate=rate, correct=False) as t:
                work(kept)
                now = t.snapshot()
            first = work.__code__.co_firstlineno
            rows = {r.line - first: r for r in now.rows() if r.file == "<string>"}
            return rows
        gc.disable()
        # a new arena far from the others, one start in a hundred, makes Python map its addresses on this
        # line, too: 128 KB (obmalloc.c, arena_map_get), once for a process
        true = min((sums(None) for _ in range(3)), key=lambda rows: rows[2].bytes)
        live, made, each, z, blocks = [], [], [], [], []
        for _ in range(SESSIONS):
            rows = sums(RATE)
            live.append(rows[2].bytes)
            z.append((rows[2].bytes - true[2].bytes) / rows[2].error)
            blocks.append(rows[2].blocks)
            made.append(rows[3].total_bytes)
        def bias(found, right):
            return abs(statistics.mean(found) / right - 1)
        print(bias(live, true[2].bytes) < 0.01, bias(made, true[3].total_bytes) < 0.01,
              bias(blocks, true[2].blocks) < 0.03)
        within = sum(abs(x) < 2 for x in z) / SESSIONS
        print(abs(statistics.mean(z)) < 0.3, 0.8 < statistics.pstdev(z) < 1.2, within > 0.9)
        print(bias(live, true[2].bytes), bias(made, true[3].total_bytes), bias(blocks, true[2].blocks),
              statistics.mean(z), statistics.pstdev(z), within, statistics.pstdev(live) / true[2].bytes,
              file=sys.stderr)
        """
    )
    assert out == "True True True\nTrue True True\n"
