"""What the tests of heaplens.track() share: rows by line, and a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import heaplens

PYTHON = sys.version_info[:2]


def lines_of(t: heaplens.Track, file: str) -> dict[int, heaplens.Row]:
    return {row.line: row for row in t.snapshot().rows() if row.file == file}


def run(text: str, *, env: dict[str, str] | None = None, status: int = 0) -> str:
    """A program of its own, with the package importable."""
    package = os.path.dirname(os.path.dirname(heaplens.__file__))
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(text)],
        env={**os.environ, "PYTHONPATH": package, **(env or {})},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == status, done.stderr
    return done.stdout


def line_here() -> int:
    """Of who asks."""
    return sys._getframe(1).f_lineno
