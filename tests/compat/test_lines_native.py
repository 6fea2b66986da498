"""`heaplens lines` tells native bytes: each line's against what the allocator says of its blocks."""

import ctypes.util
import importlib.util
import json
import os
import pathlib
import shutil
import subprocess
import sys
import textwrap

import pytest
from test_lines_verb import HEAPLENS, check

import heaplens

PROGRAM = pathlib.Path(__file__).parent / "lines_native.py"
FUNCTIONS = [
    "each_function",
    "kept",
    "old_blocks",
    "comes_and_goes",
    "of_python",
    "frames",
    "mappings",
    "in_a_thread",
    "by_another",
]
ALLOCATORS = ["libc", "jemalloc", "mimalloc"]


def lines(folder, *words, before="", **more):
    env = {k: v for k, v in {**os.environ, **more}.items() if v is not None}
    return subprocess.run(
        ["sh", "-c", before + 'exec "$0" "$@"', HEAPLENS, "lines", "--python", sys.executable, *words],
        capture_output=True,
        text=True,
        cwd=folder,
        env=env,
    )


def told(folder, *words, **more):
    done = lines(folder, "--json", "-f", "-o", "x.json", *words, **more)
    assert done.returncode == 0, done.stderr
    answer = json.loads((folder / "x.json").read_text())
    check(answer)
    return answer


def tagged(answer):
    return [
        (row["text"].partition("  # ")[2] or row["text"].strip(), row)
        for function in answer["functions"]
        for row in function["lines"]
    ]


def rows(answer):
    return dict(tagged(answer))


@pytest.fixture(scope="module", params=ALLOCATORS)
def seen(request, tmp_path_factory):
    """What the lines are told to have done, and what the allocator says."""
    folder = tmp_path_factory.mktemp(request.param)
    more = {}
    if request.param != "libc":
        library = ctypes.util.find_library(request.param)
        if library is None:
            pytest.skip(f"no {request.param} here")
        more = {"LD_PRELOAD": library}
    names = [word for name in FUNCTIONS for word in ("--function", name)]
    answer = told(folder, *names, str(PROGRAM), "expected.json", **more)
    return answer, json.loads((folder / "expected.json").read_text())


def test_each_line_has_what_its_allocator_says(seen):
    answer, expected = seen
    assert answer["native_counted"] is True and not answer["not_called"]
    wanted = expected["native"]
    assert set(wanted) <= set(rows(answer))
    told = [(tag, row["native_bytes"]) for tag, row in tagged(answer)]
    assert told == [(tag, wanted.get(tag, 0)) for tag, _ in told]
    assert sum(n != 0 for n in wanted.values()) > 20


def test_lines_of_a_function_sum_up(seen):
    for function in seen[0]["functions"]:
        assert function["native_bytes"] == sum(r["native_bytes"] for r in function["lines"])


def test_pythons_memory_counts_once_and_as_pythons(seen):
    there = rows(seen[0])
    for text in ("large = bytearray(n)", "buffer = ctypes.create_string_buffer(n)"):
        assert 100_000 <= there[text]["net_bytes"] < 110_000  # ctypes makes a type for this size
        assert there[text]["native_bytes"] == 0
    objects = 10_000 * (sys.getsizeof(object()) + 8)
    many = there["many = [object() for _ in range(n // 10)]"]
    assert objects <= many["net_bytes"] < objects * 1.2 and many["native_bytes"] == 0
    gone = there["del large, buffer, many"]
    assert gone["native_bytes"] == 0 and -gone["net_bytes"] >= 200_000 + objects


def test_a_peak_is_of_both_together(seen):
    answer, expected = seen
    there, sizes = rows(answer), expected["sizes"]
    alone, both = there["nothing stays"], there["of both kinds"]
    assert sizes["usable"] <= alone["peak_bytes"] < sizes["usable"] + 1000
    assert abs(alone["net_bytes"]) < 1000
    most = max(sizes["usable"] + sizes["bytearray"], 2 * sizes["bytearray"])
    assert most <= both["peak_bytes"] < most + 2000


def test_frames_of_calls_are_not_native(seen):
    row = rows(seen[0])["deep(n)"]
    assert row["native_bytes"] == 0
    if sys.version_info >= (3, 12):  # before, tracing makes an object of each frame
        assert row["peak_bytes"] < 4096


# ---- tables, and where nothing is counted --------------------------------------------------------

SMALL = """
    import ctypes, os, subprocess, sys
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    usable = libc.malloc_usable_size
    usable.restype, usable.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    def work(n):
        block = libc.malloc(n)
        return block
    print(usable(work(5000)))
"""


@pytest.fixture
def small(tmp_path):
    (tmp_path / "small.py").write_text(textwrap.dedent(SMALL).lstrip())
    return tmp_path


def test_a_table_has_their_column(small):
    done = lines(small, "--function", "work", "small.py")
    header, row = (
        next(r for r in done.stderr.splitlines() if end in r)
        for end in ("Net bytes", "block = libc.malloc(n)")
    )
    assert header.split()[:4] == ["Line", "Net", "bytes", "Native"]
    assert row.split()[2] == f"{int(done.stdout):+,}"
    assert "what C code asks malloc and mmap for (Native)" in done.stderr
    assert "not counted" not in done.stderr


def test_without_the_library_it_says_so(small):
    """What the executable starts, and no library in it."""
    for json_too in (False, True):
        options = {"what": "small.py", "functions": ["work"], "module": False, "args": []}
        options |= {"output": "-", "json": json_too, "force": False, "quiet": False}
        code = "import sys; from heaplens import _lines_run; _lines_run.main(sys.argv[1:])"
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(options)],
            capture_output=True,
            text=True,
            cwd=small,
        )
        assert done.returncode == 0, done.stderr
        size, _, table = done.stdout.partition("\n")
        if not json_too:
            assert "native bytes are not counted" in done.stderr and "Native" not in table
            continue
        answer = json.loads(table)
        check(answer)
        assert answer["native_counted"] is False and "not counted" in answer["notes"][0]
        assert {row["native_bytes"] for row in rows(answer).values()} == {None}
        assert all(abs(row["net_bytes"]) < int(size) for row in rows(answer).values())


def grown(n):
    return bytearray(n)


def test_a_process_of_its_own_says_so():
    with heaplens.lines(grown) as table:
        grown(1000)
    assert table.native_counted is False and table.data["native_counted"] is False
    (function,) = table.functions
    assert {line.native_bytes for line in function.lines} == {None}
    assert "Native" not in str(table)
    check(table.data)


# ---- how it comes into a process, and out again --------------------------------------------------

INHERITED = """
    import os, subprocess, sys
    def work():
        names = ("LD_PRELOAD", "HEAPLENS_NATIVE", "HEAPLENS_LD_PRELOAD")
        own = [os.environ.get(name) for name in names]
        code = f"import os; print([os.environ.get(name) for name in {names}])"
        child = subprocess.check_output([sys.executable, "-c", code], text=True).strip()
        shell = subprocess.check_output(["cat", "/proc/self/maps"], text=True)
        with open("/proc/self/maps") as maps:
            loaded = "libheaplens_native" in maps.read()
        print(own, child, "libheaplens_native" in shell, loaded, len(os.listdir("/proc/self/fd")))
    work()
"""


@pytest.mark.parametrize("before", ["", "exec <&-; "])
@pytest.mark.parametrize("users", [None, "libz.so.1"])
@pytest.mark.parametrize("name", ["plain", "two words"])
def test_nobody_inherits_it(tmp_path, name, users, before):
    """Of a folder that cannot stand in LD_PRELOAD either; with a library of the user's; without input."""
    (tmp_path / "inherited.py").write_text(textwrap.dedent(INHERITED).lstrip())
    package = tmp_path / name / "heaplens"
    shutil.copytree(heaplens.__path__[0], package)
    env = {**os.environ, "LD_PRELOAD": users}
    plainly = subprocess.check_output(
        ["sh", "-c", before + 'exec "$0" "$@"', sys.executable, "inherited.py"],
        text=True,
        cwd=tmp_path,
        env={k: v for k, v in env.items() if v is not None},
    )
    done = lines(
        tmp_path,
        "--function",
        "work",
        "inherited.py",
        before=before,
        HEAPLENS_HOME=str(package),
        LD_PRELOAD=users,
    )
    wanted = plainly.split()
    wanted[-2] = "True"  # it is there
    assert done.stdout.split() == wanted, done.stderr
    assert "not counted" not in done.stderr


FORKS = """
    import os
    def work(n):
        kept = bytearray(n)
        pid = os.fork()
        if pid == 0:
            more = [bytearray(n) for _ in range(10)]
            del more
            os._exit(7)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert [work(100_000) for _ in range(5)] == [7] * 5
"""


def test_children_live_on(tmp_path):
    (tmp_path / "forks.py").write_text(textwrap.dedent(FORKS).lstrip())
    answer = told(tmp_path, "--function", "work", "forks.py")
    assert answer["functions"][0]["calls"] == 5


# ---- beside others -------------------------------------------------------------------------------

PROFILED = """
    import ctypes, json
    from heaplens.compat.memory_profiler import LineProfiler, memory_usage
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
    def work(n):
        block = libc.malloc(n)
        kept = bytearray(n)
        return block, kept
    profiler = LineProfiler(backend="tracemalloc")
    kept = [profiler(work)(100_000) for _ in range(4)]
    measured = [row for _, rows in profiler.code_map.items() for row in rows if row[1]]
    print(json.dumps([(line, row[0], row[2]) for line, row in measured]))
"""


def test_memory_profilers_numbers_stay(tmp_path):
    (tmp_path / "profiled.py").write_text(textwrap.dedent(PROFILED).lstrip())
    folder = str(pathlib.Path(heaplens.__path__[0]).parent)
    env = {**os.environ, "PYTHONPATH": folder}
    plainly = subprocess.check_output(
        [sys.executable, "profiled.py"], text=True, cwd=tmp_path, env=env
    )
    done = lines(tmp_path, "--function", "work", "profiled.py", PYTHONPATH=folder)
    assert done.stdout == plainly
    block, kept = json.loads(plainly)[-3][1], json.loads(plainly)[-2][1]
    assert block < 0.001 < 4 * 100_000 / 2**20 <= kept


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="pip install numpy")
def test_an_arrays_data_is_counted_once(tmp_path):
    """From malloc, or in newer releases from Python's allocators."""
    (tmp_path / "arrays.py").write_text(
        "import numpy\ndef work(n):\n    return numpy.zeros(n)\nkept = work(1_000_000)\n"
    )
    answer = told(tmp_path, "--function", "work", "arrays.py")
    row = rows(answer)["return numpy.zeros(n)"]
    assert 8_000_000 <= row["net_bytes"] < 8_100_000, row
    assert row["native_bytes"] < 100_000 or row["native_bytes"] >= 8_000_000, row
