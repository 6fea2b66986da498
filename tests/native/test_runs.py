"""What C code loses or keeps in an ordinary run: told apart by what still points to it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from audits import EXE, Interpreter, buildable, extension, own

PYTHONS = [pytest.param(i, id=i.version) for i in buildable()]
TURNS = 250
SERVICE = """
import time

import {module} as planted


def serve(n):
    {body}


def main():
    for n in range({turns}):
        serve(n)
        sum(range(20_000))
        time.sleep(.004)


main()
"""


def run(folder: Path, python: Interpreter, tmp: Path, body: str, *options: str,
        module: str = "planted") -> dict:
    """The diagnosis of a program that lives beside the extension."""
    script = tmp / "service.py"
    script.write_text(f"import sys\nsys.path.insert(0, {str(folder)!r})\n"
                      + SERVICE.format(body=body, turns=TURNS, module=module))
    done = subprocess.run([EXE, "run", "--json", "-f", "-o", str(tmp / "x.hlens"), "--python",
                           str(python.path), *options, str(script)],
                          capture_output=True, text=True, cwd=tmp)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stderr[done.stderr.index("{"):])


@pytest.mark.parametrize("python", PYTHONS)
def test_lost(python: Interpreter, tmp_path: Path) -> None:
    got = run(extension(python), python, tmp_path, "planted.malloc_lost(120, 1000)")
    assert got["verdict"] == "leak", got
    (found,) = got["findings"]
    assert found["cause"] == "native-memory"
    assert "malloc_lost" in found["holder"]["name"] and "planted.c" in found["holder"]["name"]
    assert [(Path(s["file"]).name, s["function"]) for s in found["allocated_at"]] == \
        [("service.py", "serve")]
    assert found["native"]["stack"][0]["function"] == "malloc_lost"
    truth = TURNS * 120 * 1000
    assert truth / 2 < found["growth"]["bytes"] < truth * 1.5


def test_kept(tmp_path: Path) -> None:
    """A list that C keeps may be a cache, a document, a table: who asked for it is told, accused nobody."""
    got = run(extension(own()), own(), tmp_path, "for _ in range(120): planted.cached(1000)")
    assert got["verdict"] == "undecided", got
    (found,) = got["findings"]
    assert (found["cause"], found["confidence"]) == ("native-memory", "possible")
    assert "asked for in cached (planted.c:" in found["title"] and "service.py" in found["title"]
    assert "in no Python object grew by" in got["why"]


@pytest.mark.parametrize("body", ["planted.given_back(60, 900)", "planted.malloc_lost(120, 1000)",
                                  "for _ in range(60): planted.cached(1000)"])
def test_the_healthy_twin(tmp_path: Path, body: str) -> None:
    got = run(extension(own()), own(), tmp_path, body, module="planted_clean")
    assert (got["verdict"], got["findings"]) == ("no-leak", []), got


def test_it_fills_and_stops(tmp_path: Path) -> None:
    got = run(extension(own()), own(), tmp_path, "n < 100 and planted.malloc_lost(120, 1000)")
    assert (got["verdict"], got["findings"]) == ("no-leak", []), got


def test_not_followed(tmp_path: Path) -> None:
    """--no-track preloads nothing in front of malloc: that it grew is seen, who asked is not."""
    got = run(extension(own()), own(), tmp_path,
              "assert n or 'libheaplens_native' not in open('/proc/self/maps').read();"
              "planted.malloc_lost(120, 1000)", "--no-track")
    assert (got["verdict"], got["findings"]) == ("undecided", []), got
    assert "asked for in" not in got["why"]
