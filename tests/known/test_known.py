"""Every row of src/diagnose/known.def, held against the library it speaks of.

For each place of places.py the real container is filled twice: what a row calls bounded must not
get longer the second time, what it says stays must. Then `heaplens paths` is asked about that very
object: the row has to fit what it is called in a heap.

HEAPLENS_KNOWN_PYTHON  an interpreter with the packages (`make known`); without it, rows of packages
                       that the interpreter under test lacks are skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

import pytest
from places import PLACES, Place

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "verdict"))
import lens  # noqa: E402  (the path comes first)

PYTHON = os.environ.get("HEAPLENS_KNOWN_PYTHON") or lens.PYTHON or str(lens.EXE.parent / "python")

# Rows whose place no test can reach, and why; test_every_row_has_a_place keeps the list honest.
UNREACHED = {
    "zoneinfo": "the C class keeps its zones where no Python name reaches; bounded by 8",
    "struct-cache": "the module's state, not a name of the module; bounded by 100",
    "atexit-callbacks": "shown by the interpreter up to 3.9 only, and without a length",
    "process-pool-pending": "needs worker processes that stand still",
    "pickler-memo": "the memo is a C table, no object of its own: see test_a_pickler",
}

PROGRAM = """
import itertools, json, sys
fresh = itertools.count()
size = lambda: len(place())
{code}
many = {many}
sizes = []
for _ in range(2):
    for n in itertools.islice(fresh, many):
        fill(n)
    sizes.append(size())
with open(sys.argv[1], "w") as out:
    json.dump({{"address": hex(id(place())), "sizes": sizes}}, out)
"""


@lru_cache(maxsize=None)
def rows() -> dict[str, dict]:
    done = subprocess.run([str(lens.EXE), "explain", "libraries", "--json"], text=True, check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=lens.SECONDS)
    return {row["id"]: row for row in json.loads(done.stdout)["libraries"]}


@lru_cache(maxsize=None)
def version() -> tuple[int, int]:
    code = "import sys; print(*sys.version_info[:2])"
    major, minor = subprocess.check_output([PYTHON, "-c", code], text=True).split()
    return int(major), int(minor)


@lru_cache(maxsize=None)
def has(module: str) -> bool:
    code = f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"
    return subprocess.run([PYTHON, "-c", code], check=False).returncode == 0


def run(folder: Path, program: str) -> tuple[dict, dict]:
    """What the program wrote, and what `paths` says about the object it named."""
    (folder / "fills.py").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [str(lens.EXE), "run", "-q", "-f", "-o", "x.hlens", "--python", PYTHON, "fills.py", "told"],
        cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
        timeout=lens.SECONDS, env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"})
    assert (folder / "told").exists(), done.stderr
    told = json.loads((folder / "told").read_text())
    paths = subprocess.run([str(lens.EXE), "paths", "--json", "x.hlens", told["address"]],
                           cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           text=True, check=True, timeout=lens.SECONDS)
    return told, json.loads(paths.stdout)["chains"][0]


def test_every_row_has_a_place() -> None:
    reached = {place.row for place in PLACES}
    assert reached.isdisjoint(UNREACHED)
    assert reached | UNREACHED.keys() == rows().keys()


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.row)
def test_place(place: Place, tmp_path: Path) -> None:
    if not place.since <= version() <= place.until:
        pytest.skip(f"not in Python {version()[0]}.{version()[1]}")
    if place.needs and not has(place.needs):
        pytest.skip(f"needs {place.needs}: make known")
    told, chain = run(tmp_path, PROGRAM.format(code=place.code, many=place.many))
    once, twice = told["sizes"]
    row = rows()[place.row]
    if row["law"] == "bounded":
        assert once and twice - once <= 0.1 * place.many, told
    else:
        assert once >= 0.9 * place.many and twice - once >= 0.9 * place.many, told
    assert chain["known"] == place.row, chain


def test_a_pickler(tmp_path: Path) -> None:
    """Its memo is no object that could be asked about; the pickler grows itself."""
    _, chain = run(tmp_path, """
import io, json, pickle, sys
pickler = pickle.Pickler(io.BytesIO())
for n in range(1000):
    pickler.dump([n])
with open(sys.argv[1], "w") as out:
    json.dump({"address": hex(id(pickler))}, out)
""")
    assert chain["known"] == "pickler-memo", chain


GROWS = """
import ctypes, logging
for n in range({n}):
    logging.getLogger("request.%d" % n)
"""


def test_a_finding_says_what_is_known(tmp_path: Path) -> None:
    """Knowledge changes the words, and hides nothing."""
    (tmp_path / "grows.py").write_text(GROWS.format(n=60_000))

    def check(diagnosis: dict) -> None:
        story = lens.brief(diagnosis)
        assert diagnosis["verdict"] == "leak", story
        first = diagnosis["findings"][0]
        row = rows()["logging-loggers"]
        assert first["known"] == "logging-loggers", story
        assert first["evidence"][0] == f"{row['what']} (logging): {row['why']}", story
        assert first["fix"] == row["fix"], story

    lens.judge(["grows.py"], tmp_path, tmp_path / "run.hlens", check)


TWO = """
import logging
requests = []
def handle(n):
    logging.getLogger("request%d" % n)
    requests.append(bytearray({size}))
for n in range(60_000):
    handle(n)
"""


@pytest.mark.parametrize("size, known", [(300, False), (1, True)])
def test_of_two_as_big_the_own_code_comes_first(size: int, known: bool, tmp_path: Path) -> None:
    """A logger and its entry take about half a kilobyte; both findings stay."""
    (tmp_path / "two.py").write_text(TWO.format(size=size))

    def check(diagnosis: dict) -> None:
        story = lens.brief(diagnosis)
        assert len(diagnosis["findings"]) == 2, story
        assert [bool(f["known"]) for f in diagnosis["findings"]] == [known, not known], story

    lens.judge(["two.py"], tmp_path, tmp_path / "run.hlens", check)
