"""What the walk wrote, read back: each test runs a program in an interpreter of its own, and
compares the snapshot with what the program itself says about its objects."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from heapview import PYTHON, ROOT, Heap, Run, find_dump


@pytest.fixture(scope="session")
def dump(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The program that prints a snapshot; built on the spot if no build made it."""
    found = find_dump()
    if found:
        return found
    out = tmp_path_factory.mktemp("dump") / "inside_dump"
    rooms = ["rt", "base", "container", "snapshot"]
    sources = [
        str(path)
        for room in rooms
        for path in sorted((ROOT / "src" / room).glob("*.c"))
        if not any(word in path.name for word in ("_test", "_bench", "dsl", "fuzz"))
    ]
    command = [
        "cc",
        "-std=gnu11",
        "-O1",
        '-DHL_VERSION="test"',
        f"-I{ROOT / 'src'}",
        "-o",
        str(out),
    ]
    command += [str(ROOT / "tests/inside/dump.c"), *sources, "-lzstd", "-lz"]
    subprocess.run(command, check=True)
    return str(out)


PRELUDE = """
import gc, sys, json
import heaplens._inside as _inside
said = {}
def snapshot(path=sys.argv[1]):
    return _inside.snapshot(path, append=False)
"""


@pytest.fixture
def run(dump: str, tmp_path: Path):
    """run(program) -> Run: the program calls snapshot() once and fills the dict `said`."""

    def go(program: str, *options: str, index: int = 0) -> Run:
        file = tmp_path / "heap.hlens"
        script = tmp_path / "program.py"
        script.write_text(PRELUDE + program + "\nprint(json.dumps(said))\n")
        command = [PYTHON, *options, str(script), str(file)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        text = subprocess.run(
            [dump, str(file), str(index)], capture_output=True, text=True, timeout=300
        )
        assert text.returncode == 0, text.stderr
        return Run(Heap(text.stdout), json.loads(done.stdout.splitlines()[-1]))

    return go
