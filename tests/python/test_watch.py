"""heaplens.watch(): a block of code, its verdict, and everything that may happen in between."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import time

import pytest

import heaplens

kept: list[object] = []


class Page:
    pass


def serve(leak: bool) -> None:
    pages = [Page() for _ in range(7)]
    if leak:
        kept.extend(pages[:2])


@pytest.fixture(autouse=True)
def forget():
    yield
    kept.clear()


def test_a_leak_by_rounds_is_small_and_certain():
    with heaplens.watch() as w:
        for _ in range(30):
            serve(leak=True)
            w.mark()
    d = w.diagnose()
    assert d.verdict == "leak" and d.leaks, d
    assert d.rounds == 30 and w.rounds == 30
    found = [f for f in d.findings if f.holder.name and f.holder.name.endswith("kept")]
    assert found, d
    assert found[0].objects_per_round == pytest.approx(2, abs=0.01)
    assert found[0].bytes_per_round and found[0].bytes_per_round > 32
    assert found[0].path[-1].type and found[0].path[-1].type.endswith("Page")
    assert str(d).startswith("heaplens: LEAK")
    assert "+2 entries, " in str(d) and " per round" in str(d)
    assert d.data["schema"] == "heaplens.diagnosis/1"


def test_its_healthy_twin_is_silent():
    with heaplens.watch() as w:
        for _ in range(30):
            with w.round():
                serve(leak=False)
    d = w.diagnose()
    assert (d.verdict, d.findings, d.rounds) == ("no-leak", [], 30), d
    assert str(d).startswith("heaplens: NO LEAK")


def test_much_growth_is_found_without_rounds():
    with heaplens.watch(interval=0.02) as w:
        end = time.monotonic() + 1.2
        while time.monotonic() < end:
            kept.append(bytearray(20_000))
            sum(range(20_000))
    d = w.diagnose()
    assert d.snapshots >= 4  # begin, end, and those of the thread
    assert d.rounds is None
    assert d.verdict != "no-leak", d


def test_inside_the_block_it_looks_now():
    with heaplens.watch(thread=False) as w:
        for _ in range(20):
            serve(leak=True)
            w.mark()
        first = w.diagnose()
        assert first.verdict == "leak", first
        for _ in range(20):
            w.mark()
    second = w.diagnose()
    assert (first.rounds, second.rounds) == (20, 40)


def test_nested_watches_count_for_themselves():
    with heaplens.watch(thread=False) as outer:
        for _ in range(3):
            with heaplens.watch() as inner:
                for _ in range(12):
                    serve(leak=False)
                    inner.mark()
            assert inner.rounds == 12
            assert inner.diagnose().verdict == "no-leak"
            outer.mark()
        heaplens.mark()  # for all who watch
    assert outer.rounds == 4


def test_the_exception_of_the_block_is_the_programs():
    w = heaplens.watch()
    with pytest.raises(ZeroDivisionError), w:
        w.mark()
        raise ZeroDivisionError
    d = w.diagnose()
    assert d.verdict == "no-leak" or d.verdict == "undecided"
    assert d.rounds == 1


def test_an_exception_in_a_round_is_a_round():
    with heaplens.watch(thread=False) as w:
        for _ in range(5):
            with pytest.raises(KeyError), w.round():
                raise KeyError
    assert w.rounds == 5


def test_not_begun_used_twice_and_wrong_arguments(tmp_path):
    w = heaplens.watch()
    for ask in (w.mark, w.diagnose, w.snapshot):
        with pytest.raises(heaplens.Error, match="has not begun"):
            ask()
    with w:
        pass
    with pytest.raises(heaplens.Error, match="one of its own"), w:
        pass
    w.mark()  # it is over: nobody counts
    for bad in ({"interval": 0}, {"max_snapshots": 1}, {"min_growth": 0}):
        with pytest.raises(ValueError):
            heaplens.watch(**bad)
    (tmp_path / "taken.hlens").write_bytes(b"x")
    with pytest.raises(heaplens.Error, match="taken"), heaplens.watch(tmp_path / "taken.hlens"):
        pass


def test_a_file_of_the_users_stays_and_a_temporary_one_goes(tmp_path):
    with heaplens.watch(tmp_path / "mine.hlens") as w:
        pass
    w.diagnose()
    w.close()
    assert (tmp_path / "mine.hlens").exists()
    with heaplens.watch() as w:
        w.mark()
    path = w.path
    assert path is not None and os.stat(path).st_mode & 0o777 == 0o600
    d = w.diagnose()
    w.close()
    assert not os.path.exists(os.path.dirname(path))
    assert str(d).startswith("heaplens: ")
    with heaplens.watch() as w:
        path = w.path
    del w
    gc.collect()
    assert path is not None and not os.path.exists(path)


def test_a_read_only_folder_is_no_obstacle(tmp_path, monkeypatch):
    tmp_path.chmod(0o500)
    monkeypatch.chdir(tmp_path)
    with heaplens.watch() as w:
        w.mark()
    assert w.diagnose().snapshots >= 2
    assert os.listdir(tmp_path) == []


def test_a_folder_that_goes_is_told():
    with pytest.raises(heaplens.Error, match="watch.hlens"):
        with heaplens.watch(thread=False) as w:
            assert w.path is not None
            os.unlink(w.path)


def test_a_forked_child_leaves_the_watch_alone():
    with heaplens.watch(thread=False) as w:
        for _ in range(3):
            w.mark()
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for _ in range(100):
                    w.mark()
                    heaplens.mark()
                try:
                    w.diagnose()
                except heaplens.Error as why:
                    status = 0 if "forked" in str(why) else 2
                w.__exit__(None, None, None)
                w.close()
            finally:
                os._exit(status)
        assert os.waitpid(pid, 0)[1] == 0
        for _ in range(3):
            w.mark()
    assert w.rounds == 6
    assert w.diagnose().rounds == 6


def test_threads_mark_while_it_begins_and_ends():
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            serve(leak=False)
            heaplens.mark()

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(5):
            with heaplens.watch() as w:
                time.sleep(0.03)
            assert w.rounds > 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize("end", ["pass", "sys.exit(5)", "os._exit(5)", "raise SystemExit(5)",
                                 "threading.Thread(target=time.sleep, args=(0.1,)).start()"])
def test_the_interpreter_may_end_inside(end, tmp_path):
    code = ("import heaplens, os, sys, threading, time\n"
            "w = heaplens.watch(interval=0.001)\nw.__enter__()\n"
            "for i in range(20): w.mark(); time.sleep(0.002)\n" + end + "\n")
    env = {**os.environ, "TMPDIR": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env,
                          timeout=60, check=False)
    assert (done.returncode, done.stderr) == (5 if "5" in end else 0, "")
    assert os.listdir(tmp_path) == [] or "os._exit" in end


def test_under_run_both_watch(tmp_path):
    from heaplens import _native

    code = ("import heaplens\nkept = []\n"
            "with heaplens.watch(thread=False) as w:\n"
            "    for i in range(30):\n"
            "        kept.append(object()); heaplens.mark()\n"
            "print(w.diagnose().verdict, w.rounds)\n")
    done = subprocess.run([_native.executable(), "run", "--json", "-o", tmp_path / "out.hlens", "--python",
                           sys.executable, "-c", code],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "leak 30\n", done.stderr
    assert '"rounds": 30' in done.stderr


def test_expectations_of_the_block():
    class Session:
        pass

    sessions = [Session(), Session()]
    with heaplens.watch(thread=False) as w:
        for session in sessions:
            heaplens.expect_collected(session, "closed")
        del session
        d = w.diagnose()
        mine = [f for f in d.findings if f.cause == "not-collected"]
        assert len(mine) == 1 and "closed" in mine[0].title, d
        sessions.clear()
    assert not [f for f in w.diagnose().findings if f.cause == "not-collected"]
