"""What only allocations can show: memory that a C extension keeps or has lost, in no object."""

from __future__ import annotations

import pathlib
import subprocess
import sysconfig
import textwrap
from typing import TYPE_CHECKING

import pytest
from conftest import EXE

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.one_interpreter

EXTENSION = r"""
#include <Python.h>
static void *room[64];
static PyObject *lose(PyObject *m, PyObject *n) /* never freed */
{
    size_t size = PyLong_AsSize_t(n);
    void *p = PyMem_Malloc(size);
    if (!p)
        return PyErr_NoMemory();
    memset(p, 1, size);
    Py_RETURN_NONE;
}
static PyObject *ring(PyObject *m, PyObject *n) /* as many as fit in, the oldest goes */
{
    static unsigned at;
    PyMem_Free(room[at % 64]);
    room[at % 64] = PyMem_Malloc(PyLong_AsSize_t(n));
    at++;
    Py_RETURN_NONE;
}
static PyObject *keep(PyObject *m, PyObject *o) /* a reference too many */
{
    Py_INCREF(o);
    Py_RETURN_NONE;
}
static PyObject *hoard(PyObject *m, PyObject *o) /* a table of C's own, which no collector knows */
{
    static PyObject **all;
    static size_t n;
    if (!(n & (n + 1)) && !(all = realloc(all, 2 * (n + 1) * sizeof *all)))
        return PyErr_NoMemory();
    Py_INCREF(o);
    all[n++] = o;
    Py_RETURN_NONE;
}
typedef struct box { PyObject_HEAD PyObject ***inner; } box; /* keeps, and shows no collector */
static void box_free(box *b)
{
    Py_DECREF(**b->inner);
    free(*b->inner);
    free(b->inner);
    PyObject_Free(b);
}
static PyTypeObject box_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "careless.Box", .tp_basicsize = sizeof(box),
    .tp_flags = Py_TPFLAGS_DEFAULT, .tp_dealloc = (destructor)box_free};
static PyObject *boxed(PyObject *m, PyObject *o)
{
    box *b = PyObject_New(box, &box_type);
    b->inner = malloc(sizeof *b->inner);
    *b->inner = malloc(sizeof **b->inner);
    Py_INCREF(o);
    **b->inner = o;
    return (PyObject *)b;
}
static PyObject *buffer(PyObject *m, PyObject *n) /* as an encoder's that meets an error */
{
    PyObject_Malloc(PyLong_AsSize_t(n));
    Py_RETURN_NONE;
}
static PyMethodDef methods[] = {
    {"hoard", hoard, METH_O, NULL}, {"boxed", boxed, METH_O, NULL}, {"buffer", buffer, METH_O, NULL},
    {"lose", lose, METH_O, NULL}, {"ring", ring, METH_O, NULL}, {"keep", keep, METH_O, NULL}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "careless", NULL, -1, methods};
PyMODINIT_FUNC PyInit_careless(void)
{
    return PyType_Ready(&box_type) ? NULL : PyModule_Create(&module);
}
"""

PROGRAM = """
import sys, time
sys.path.insert(0, {folder!r})
import careless

def work(i):
    {call}

for i in range(12000):
    work(i)
    if i % 50 == 0:
        time.sleep(0.005)
"""


@pytest.fixture
def careless(bench: Bench, python: str) -> pathlib.Path:
    source = bench.folder / "careless.c"
    source.write_text(EXTENSION)
    include = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_paths()['include'])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not (pathlib.Path(include) / "Python.h").exists():
        pytest.skip(f"no headers of {python}")
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    subprocess.run(
        [compiler, "-shared", "-fPIC", f"-I{include}", source, "-o", bench.folder / "careless.so"],
        check=True,
    )
    return bench.folder


@pytest.mark.parametrize("call, cause", [("careless.lose(2000)", "native-memory"),
                                         ("careless.keep(bytes(2000))", "native-reference")])
@pytest.mark.parametrize("how", [("--exact",), ("--sample", "64K")])
def test_what_is_lost_in_c_is_told_by_its_line(
    bench: Bench, python: str, careless: pathlib.Path, call: str, cause: str, how: tuple[str, ...]
) -> None:
    bench.script(PROGRAM.format(folder=str(careless), call=call))
    got = bench.watched("app.py", options=("--json", *how))
    diagnosis = got.diagnosis()
    assert diagnosis["verdict"] == "leak", diagnosis
    [finding] = diagnosis["findings"]
    assert finding["cause"] == cause and finding["holder"]["kind"] == "native", finding
    assert "work (app.py:7)" in finding["holder"]["name"]
    assert 12_000_000 < finding["growth"]["bytes"] < 26_000_000, finding
    [line] = finding["allocated_at"]
    assert (line["line"], line["function"]) == (7, "work")
    words = bench.execute([EXE, "diagnose", bench.file]).stdout
    assert f"heaplens show {bench.file} --view allocs\n" in words
    said = bench.execute([EXE, "show", bench.file, "--view", "allocs"]).stdout
    assert "gained in each of" in said and "work (app.py:7) (" in said


QUICK = """
import os, sys
sys.path.insert(0, {folder!r})
import careless

def work(i):
    {call}

for i in range({times}):
    work(i)
    sum(range({busy}))
print("done", flush=True)
os._exit(0)
"""
LOST = {  # times, type, bytes each
    "careless.keep(bytes(240))": (80_000, "bytes", 273),
    "careless.keep('%d' % i * 40)": (80_000, "str", 240),
    # a type that has no other object, and what that has beside itself
    "careless.keep(bytearray(240))": (80_000, "bytearray", 297),
    "careless.keep(bytes(50_000))": (400, "bytes", 50_033),
    "careless.buffer(300)": (80_000, None, 300),
}


@pytest.mark.parametrize("call", LOST)
def test_what_nothing_leads_to_any_more_is_told_after_few_looks(
    bench: Bench, python: str, careless: pathlib.Path, call: str
) -> None:
    times, kind, each = LOST[call]
    bench.script(QUICK.format(folder=str(careless), call=call, times=times,
                              busy=32_000_000 // times))
    got = bench.watched("app.py", options=("--json",))
    diagnosis = got.diagnosis()
    assert diagnosis["verdict"] == "leak", diagnosis
    [finding] = diagnosis["findings"]
    assert finding["cause"] == ("native-reference" if kind else "native-memory"), finding
    assert finding["confidence"] == "strong"
    assert "nothing points to" in finding["title"] and "(lost by C)" in finding["holder"]["name"]
    assert (finding["holder"]["type"] or None) == kind, finding
    assert "work (app.py:7)" in finding["holder"]["name"]
    assert times * each / 5 < finding["growth"]["bytes"] < 1.5 * times * each, finding


def test_what_c_has_in_a_table_of_its_own_is_not_lost(
    bench: Bench, python: str, careless: pathlib.Path
) -> None:
    bench.script(PROGRAM.format(folder=str(careless), call="careless.hoard(bytes(2000))"))
    diagnosis = bench.watched("app.py", options=("--json",)).diagnosis()
    assert diagnosis["verdict"] == "leak", diagnosis
    [finding] = diagnosis["findings"]
    assert finding["cause"] == "native-reference", finding
    assert finding["holder"]["name"].startswith("(held by C) objects made at work"), finding
    assert "held by C code alone" in finding["title"]


BOXED = """
class Node:
    def __init__(self, i):
        self.text = "node %d" % i * 20

def work(i):
    node = Node(i)
    node.box = careless.boxed({of})
    {then}
"""


def boxed(of: str, then: str = "pass") -> str:
    whole = BOXED.format(of=of, then=then)
    return PROGRAM.replace("def work(i):\n    {call}\n", whole.replace("{", "{{").replace("}", "}}"))


def test_a_cycle_through_what_shows_the_collector_nothing(
    bench: Bench, python: str, careless: pathlib.Path
) -> None:
    bench.script(boxed("node").format(folder=str(careless)))
    diagnosis = bench.watched("app.py", options=("--json",)).diagnosis()
    assert diagnosis["verdict"] == "leak", diagnosis
    [finding] = diagnosis["findings"]
    assert finding["cause"] == "reference-cycle", finding
    assert finding["holder"]["name"] == "__main__.Node -> careless.Box -> __main__.Node"
    assert "tp_traverse" in finding["fix"]


@pytest.mark.parametrize("of, then", [("i", "pass"), ("node", "node.box = None")])
def test_what_keeps_something_else_or_is_broken_is_no_such_cycle(
    bench: Bench, python: str, careless: pathlib.Path, of: str, then: str
) -> None:
    bench.script(boxed(of, then).format(folder=str(careless)))
    diagnosis = bench.watched("app.py", options=("--json",)).diagnosis()
    assert diagnosis["verdict"] == "no-leak", diagnosis


@pytest.mark.parametrize(
    "call", ["careless.ring(100000)", "careless.lose(2)", "[bytes(2000) for _ in range(5)]"]
)
def test_what_c_keeps_for_a_while_is(
    bench: Bench, python: str, careless: pathlib.Path, call: str
) -> None:
    bench.script(PROGRAM.format(folder=str(careless), call=textwrap.dedent(call)))
    diagnosis = bench.watched("app.py", options=("--json", "--exact")).diagnosis()
    assert diagnosis["verdict"] == "no-leak", diagnosis


def test_what_only_samples_are_kept_for_is(bench: Bench, python: str) -> None:
    """A type remembers the names it was asked for by address, and a sample has one of its own."""
    bench.script(
        "import re\nP = re.compile(r'^(\\d+|\\*)$')\n"
        "print(sum(len(P.sub(r'\\1-5', '12')) for n in range(400_000)))\n"
    )
    got = bench.watched("app.py", options=("--json", "--sample", "64K"))
    assert got.stdout == "1600000\n"
    assert got.diagnosis()["verdict"] == "no-leak", got.diagnosis()


MALLOC = """
import ctypes
libc = ctypes.CDLL(None)
libc.malloc.argtypes, libc.malloc.restype = [ctypes.c_size_t], ctypes.c_void_p
libc.free.argtypes, libc.free.restype = [ctypes.c_void_p], None

kept = []
for i in range(20_000):
    block = libc.malloc(2_000)
    {keeps}
    ctypes.memset(block, 1, 2_000)
    if {frees}:
        libc.free(block)
    sum(range(500))
"""


KEEPS = "kept.append(block)"  # as a number: nothing in memory looks like the pointer
CASES = [("False", "pass", "leak", ()), ("False", KEEPS, "undecided", ()), ("False", "pass", "undecided", ("--no-track",)),
         ("True", "pass", "no-leak", ()), ("i > 4_000", "pass", "no-leak", ())]


@pytest.mark.parametrize("frees, keeps, verdict, options", CASES)
def test_what_malloc_gave_and_nobody_frees(bench: Bench, python: str, frees: str, keeps: str, verdict: str,
                                           options: tuple[str, ...]) -> None:
    bench.script(MALLOC.format(frees=frees, keeps=keeps))
    diagnosis = bench.watched("app.py", options=("--json", *options)).diagnosis()
    assert diagnosis["verdict"] == verdict, diagnosis
    if verdict == "leak":
        (found,) = diagnosis["findings"]
        line = 1 + MALLOC.splitlines().index("    block = libc.malloc(2_000)")
        assert (found["cause"], found["allocated_at"][0]["line"]) == ("native-memory", line), found
        return
    assert ("in no Python object grew by" in diagnosis["why"]) is (verdict == "undecided"), diagnosis["why"]
