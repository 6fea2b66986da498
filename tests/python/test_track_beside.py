"""heaplens.track(): others who have to do with memory at the same time: tools that hook allocators, other allocators, limits."""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sysconfig
import tracemalloc

import pytest
from tracked import PYTHON, run

import heaplens


def test_tracemalloc_may_start_and_stop_at_any_time():
    with heaplens.track() as t:
        a = bytes(50_000)
        tracemalloc.start()
        b = bytes(60_000)
        assert tracemalloc.get_traced_memory()[0] >= 60_000
        tracemalloc.stop()
        c = bytes(70_000)
        assert t.snapshot().bytes >= 180_000
    tracemalloc.start()
    with heaplens.track() as t:
        a = bytes(50_000)
        assert not any("another tool" in c for c in t.snapshot().caveats)
        tracemalloc.stop()
        assert any("another tool" in c for c in t.snapshot().caveats)
    tracemalloc.start()
    t = heaplens.track().start()
    tracemalloc.stop()
    tracemalloc.start()
    t.stop()
    tracemalloc.stop()
    with heaplens.track() as t:
        d = bytes(80_000)
        assert 80_000 <= t.snapshot().bytes < 200_000
    del a, b, c, d


BESIDE = r"""
#include <Python.h>

static PyMemAllocatorEx below[3];
static long calls;

static void *theirs_malloc(void *d, size_t n)
{
    PyMemAllocatorEx *b = d;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return b->malloc(b->ctx, n);
}
static void *theirs_calloc(void *d, size_t k, size_t n)
{
    PyMemAllocatorEx *b = d;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return b->calloc(b->ctx, k, n);
}
static void *theirs_realloc(void *d, void *p, size_t n)
{
    PyMemAllocatorEx *b = d;
    __atomic_fetch_add(&calls, 1, __ATOMIC_RELAXED);
    return b->realloc(b->ctx, p, n);
}
static void theirs_free(void *d, void *p)
{
    PyMemAllocatorEx *b = d;
    b->free(b->ctx, p);
}
static const PyMemAllocatorDomain domains[] = {PYMEM_DOMAIN_RAW, PYMEM_DOMAIN_MEM, PYMEM_DOMAIN_OBJ};

void hook(void)
{
    for (int i = 0; i < 3; i++) {
        PyMemAllocatorEx mine = {&below[i], theirs_malloc, theirs_calloc, theirs_realloc, theirs_free};
        PyMem_GetAllocator(domains[i], &below[i]);
        PyMem_SetAllocator(domains[i], &mine);
    }
}
void unhook(void)
{
    for (int i = 0; i < 3; i++)
        PyMem_SetAllocator(domains[i], &below[i]);
}
long seen(void)
{
    return calls;
}

#if PY_VERSION_HEX >= 0x030D0000
static long events;
static int traced(PyObject *o, PyRefTracerEvent e, void *data)
{
    events += data == &events;
    return 0;
}
void trace(int on)
{
    PyRefTracer_SetTracer(on ? traced : NULL, on ? &events : NULL);
}
long traces(void)
{
    return events;
}
#endif
"""


@pytest.fixture(scope="module")
def beside(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A library that hooks the allocators, and traces references, as another tool does."""
    folder = tmp_path_factory.mktemp("beside")
    source, library = folder / "beside.c", folder / "beside.so"
    source.write_text(BESIDE)
    headers = sysconfig.get_paths()
    words = [f"-I{headers['include']}", f"-I{headers['platinclude']}", "-shared", "-fPIC", "-o"]
    if not shutil.which("cc") or not os.path.exists(os.path.join(headers["include"], "Python.h")):
        pytest.skip("no compiler, or no headers of this Python")
    subprocess.run(["cc", *words, str(library), str(source)], check=True)
    return str(library)


@pytest.mark.parametrize("rate", ["None", "2000"])
@pytest.mark.parametrize("order", ["theirs first", "ours first", "between"])
def test_another_hooks_the_allocators_too(beside, order, rate):
    """Whoever came first, whoever leaves first: nothing is lost of what is asked while both are there."""
    steps = {
        "theirs first": ("other.hook(); t.start()", "t.stop(); other.unhook()"),
        "ours first": ("t.start(); other.hook()", "other.unhook(); t.stop()"),
        "between": ("t.start(); other.hook()", "t.stop(); [str(i) for i in range(500)]; other.unhook()"),
    }[order]
    out = run(
        f"""
        import ctypes, heaplens, threading
        other = ctypes.PyDLL({beside!r})
        def work(kept):
            for i in range(4000):
                kept.append(bytes(300 + i % 700))
                kept[i // 2] = str(i) * (i % 200)
        for turn in range(3):
            t = heaplens.track(rate={rate})
            kept, more = [], []
            {steps[0]}
            thread = threading.Thread(target=work, args=(more,))
            thread.start()
            work(kept)
            thread.join()
            now = t.snapshot()
            {steps[1]}
            true = sum(map(len, kept + more))
            assert 0.8 * true < now.bytes < 1.3 * true + 500_000, (true, now.bytes)
            assert not any("another tool" in c for c in now.caveats), now.caveats
            assert other.seen() > 10_000 * (turn + 1)
            del kept[::2]
        with heaplens.track() as t:
            last = bytes(100_000)
            assert 100_000 <= t.snapshot().bytes < 300_000
        print("whole")
        """
    )
    assert out == "whole\n"


@pytest.mark.skipif(PYTHON < (3, 13), reason="there is no tracer of references")
def test_a_tracer_of_references_stays(beside):
    out = run(
        f"""
        import ctypes, heaplens
        other = ctypes.PyDLL({beside!r})
        other.trace(1)
        def work():
            before = other.traces()
            kept = [[i] for i in range(5000)]
            return kept, other.traces() - before
        _, plain = work()
        with heaplens.track() as t:
            kept, tracked = work()
            print(tracked >= 5000, abs(tracked - plain) < 100, t.snapshot().bytes > 5000 * 64)
        before = other.traces()
        kept.clear()
        print(other.traces() - before >= 5000)
        other.trace(0)
        """
    )
    assert out == "True True True\nTrue\n"


@pytest.mark.parametrize("rate", ["None", "5000"])
@pytest.mark.parametrize("allocator", ["malloc", "debug", "malloc_debug", "pymalloc_debug"])
def test_other_allocators_below(allocator, rate):
    out = run(
        f"""
        import heaplens
        with heaplens.track(rate={rate}) as t:
            kept = [bytes(700 + i % 300) for i in range(5000)]
            for i in range(2000): kept[i] = str(i) * 200
            now = t.snapshot()
        true = sum(map(len, kept))
        print(0.8 * true < now.bytes < 1.25 * true + 200_000, now.lost)
        """,
        env={"PYTHONMALLOC": allocator},
    )
    assert out == "True 0\n"


@pytest.mark.parametrize("rate", ["None", "5000"])
@pytest.mark.parametrize("library", ["jemalloc", "mimalloc"])
@pytest.mark.parametrize("allocator", ["pymalloc", "malloc"])
def test_another_malloc_is_preloaded(library, allocator, rate):
    """Their addresses are elsewhere, and their blocks lie closer."""
    path = ctypes.util.find_library(library)
    if not path:
        pytest.skip(f"no {library}")
    out = run(
        f"""
        import heaplens, threading
        kept = []
        def work():
            for i in range(3000):
                kept.append(bytes(300 + i % 700))
                kept.append(str(i) * (i % 9))
        with heaplens.track(rate={rate}) as t:
            threads = [threading.Thread(target=work) for _ in range(4)]
            [x.start() for x in threads]; [x.join() for x in threads]
            now = t.snapshot()
        maps = open("/proc/self/maps").read()
        true = sum(map(len, kept))
        print("{library}" in maps, 0.8 * true < now.bytes < 1.25 * true + 900_000, now.lost)
        kept.clear()
        """,
        env={"LD_PRELOAD": path, "PYTHONMALLOC": allocator},
    )
    assert out == "True True 0\n"


def test_errno_and_failures_are_left_alone():
    with heaplens.track() as t:
        with pytest.raises(MemoryError):
            bytearray(1 << 60)
        with pytest.raises(FileNotFoundError):
            open("/nothing/here")
        a = bytearray(10)
        with pytest.raises(MemoryError):
            a.extend(range(5))
            a *= 1 << 58
        assert t.snapshot().bytes < 1 << 30


def test_a_limited_address_space():
    out = run(
        """
        import resource, heaplens
        resource.setrlimit(resource.RLIMIT_AS, (400 << 20, 400 << 20))
        with heaplens.track() as t:
            kept = [bytes(100) for _ in range(100_000)]
            print(t.snapshot().bytes > 13_000_000, t.result is None, t.snapshot().lost)
        """
    )
    assert out == "True True 0\n"
