"""heaplens.testing: psleak's names and options, on the planted extension."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import pytest

from audits import extension, own
from heaplens.testing import (Checkers, LeakTest, LeakTestMixin, MemoryLeakError,
                              MemoryLeakTestCase, UnclosedFdError, UnclosedPythonThreadError,
                              UncollectableGarbageError)


@pytest.fixture(scope="module")
def planted():
    sys.path.insert(0, str(extension(own())))
    try:
        import planted
        import planted_clean
    finally:
        del sys.path[0]
    return planted, planted_clean


class Case(LeakTestMixin):
    times = 30


def test_a_leak_names_the_object_the_count_and_the_line(planted) -> None:
    leaky, clean = planted

    def loses():
        leaky.lists(5)

    with pytest.raises(MemoryLeakError) as failed:
        Case().execute(loses)
    message = str(failed.value)
    assert "references to list objects, 5.00 a call" in message
    assert "test_testing.py" in message and "loses" in message
    assert failed.value.findings[0]["cause"] == "native-reference"
    Case().execute(clean.lists, 5)


def test_native_memory_without_pythonmalloc(planted) -> None:
    leaky, clean = planted
    with pytest.raises(MemoryLeakError, match="native memory"):
        Case().execute(leaky.malloc_lost, 1, 333)
    Case().execute(clean.malloc_lost, 1, 333)
    Case().execute(leaky.malloc_lost, 1, 333, checkers=Checkers.exclude("memory"))
    Case().execute(leaky.malloc_lost, 1, 333, tolerance={"heap": 400 * 30})


def test_error_paths(planted) -> None:
    leaky, clean = planted
    with pytest.raises(MemoryLeakError, match="list"):
        Case().execute_w_exc(ValueError, leaky.raises)
    Case().execute_w_exc(ValueError, clean.raises)
    with pytest.raises(AssertionError, match="did not raise"):
        Case().execute_w_exc(ValueError, clean.lists, 1)


def test_files_and_threads(planted) -> None:
    leaky, clean = planted
    with pytest.raises(UnclosedFdError, match="1 unclosed file descriptor"):
        Case().execute(leaky.file)
    Case().execute(clean.file)
    over = threading.Event()

    def starts():
        threading.Thread(target=over.wait, daemon=True).start()

    try:
        with pytest.raises(UnclosedPythonThreadError) as failed:
            Case().execute(starts)
        assert failed.value.count == 1
    finally:
        over.set()
        time.sleep(0.1)


def test_cycles_that_stay(planted) -> None:
    leaky, clean = planted

    class Thing:
        pass

    def cycle(module):
        thing = Thing()
        thing.opaque = module.Opaque(thing)

    with pytest.raises(UncollectableGarbageError, match="planted.Opaque"):
        Case().execute(cycle, leaky)
    Case().execute(cycle, clean)


def test_trim_callback_and_call() -> None:
    kept: list[object] = []
    with pytest.raises(MemoryLeakError, match="kept"):
        Case().execute(lambda: kept.append(bytes(100)))
    Case().execute(lambda: kept.append(bytes(100)), trim_callback=kept.clear)
    class Counted(Case):
        calls = 0

        def call(self, fun):
            Counted.calls += 1
            return fun()

    Counted().execute(list, times=10, warmup_times=3)
    assert Counted.calls >= 3 + 8 * 10


@pytest.mark.parametrize("options, error", [
    ({"times": 1}, ValueError), ({"retries": 0}, ValueError), ({"warmup_times": -1}, ValueError),
    ({"tolerance": -1}, ValueError), ({"tolerance": {"what": 1}}, ValueError),
    ({"times": "many"}, TypeError), ({"trim_callback": 3}, TypeError),
])
def test_options_are_checked(options: dict, error: type) -> None:
    with pytest.raises(error):
        Case().execute(list, **options)


def test_checkers() -> None:
    assert Checkers.only("fds") == Checkers(False, True, False, False, False, False)
    assert not Checkers.exclude("fds").fds and Checkers.exclude("fds").memory
    with pytest.raises(ValueError, match="invalid checker names: no"):
        Checkers.only("no")


def test_auto_generate() -> None:
    class Generated(MemoryLeakTestCase):
        times = 10

        @classmethod
        def auto_generate(cls):
            return {"sorted": LeakTest(sorted, [2, 1]), "int": LeakTest(int, "7", times=20)}

    assert {name for name in dir(Generated) if name.startswith("test_")} == {
        "test_leak_sorted", "test_leak_int"}
    Generated("test_leak_int").test_leak_int()
    with pytest.raises(TypeError):
        class _Wrong(MemoryLeakTestCase):
            @classmethod
            def auto_generate(cls):
                return {"sorted": sorted}


def test_the_fixture(planted, tmp_path) -> None:
    (tmp_path / "test_spam.py").write_text("""
import planted, planted_clean

def test_clean(leak_loop):
    leak_loop(planted_clean.lists, 1, times=20)

def test_clean_error(leak_loop):
    leak_loop.raises(ValueError, planted_clean.raises, times=20)

def test_leaks(leak_loop):
    leak_loop(planted.lists, 1, times=20)
""")
    env = {**os.environ, "PYTHONPATH": str(extension(own()))}
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
                           "test_spam.py"], cwd=tmp_path, env=env, text=True, timeout=120,
                          capture_output=True)
    assert "1 failed, 2 passed" in done.stdout, done.stdout
    assert "list objects, 1.00 a call" in done.stdout, done.stdout
