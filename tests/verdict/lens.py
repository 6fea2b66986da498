"""Runs programs plainly and under heaplens, for the tests of verdicts.

HEAPLENS_EXE    the executable (default: .venv/bin/heaplens of this checkout)
HEAPLENS_PYTHON the interpreter to watch (default: the one beside the executable)
"""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXE = Path(os.environ.get("HEAPLENS_EXE") or ROOT / ".venv/bin/heaplens")
PYTHON = os.environ.get("HEAPLENS_PYTHON")
SECONDS = 120
TRIES, ENOUGH = 5, 9  # looks: see judge


@dataclass
class Watched:
    stdout: str
    status: int
    diagnosis: dict


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def plain(arguments: list[str], folder: Path) -> tuple[str, int]:
    python = PYTHON or str(EXE.parent / "python")
    done = subprocess.run([python, *arguments], cwd=folder, env=_environment(), text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=SECONDS)
    return done.stdout, done.returncode


def watch(arguments: list[str], folder: Path, file: Path, python: str | None = PYTHON,
          variables: dict[str, str] | None = None, seconds: int = SECONDS) -> Watched:
    assert EXE.exists(), f"{EXE} is not there: type `make build`, or set HEAPLENS_EXE"
    which = ["--python", python] if python else []
    done = subprocess.run([str(EXE), "run", "--json", "-f", "-o", str(file), *which, *arguments],
                          cwd=folder, env={**_environment(), **(variables or {})}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=seconds)
    start = re.search(r"^\{", done.stderr, re.MULTILINE)
    assert start, f"no diagnosis; status {done.returncode}, stderr:\n{done.stderr}"
    return Watched(done.stdout, done.returncode, json.loads(done.stderr[start.start():]))


def judge(arguments: list[str], folder: Path, file: Path,
          check: Callable[[dict], None]) -> Watched:
    """Watches a program and checks its diagnosis.

    A program of a tenth of a second on a busy machine may get too few looks to be judged. A miss
    with few snapshots is therefore tried again, some times; one with enough of them, once: looks that
    fall badly happen, twice in a row they are a defect. An accusation, right or wrong, never is.
    """
    misses = 0.0
    while True:
        watched = watch(arguments, folder, file)
        try:
            check(watched.diagnosis)
            break
        except AssertionError:
            accuses = watched.diagnosis["verdict"] == "leak"
            enough = watched.diagnosis["observed"]["snapshots"] >= ENOUGH
            misses += TRIES / 2 if enough else 1
            if accuses or misses >= TRIES:
                raise
    return watched


def words(value: object) -> set[str]:
    """Every identifier in a piece of a diagnosis."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return set(re.findall(r"[^\W\d]\w*", text))


def brief(diagnosis: dict) -> str:
    """A diagnosis in a few lines, for the message of a test that fails."""
    lines = [f"verdict {diagnosis['verdict']}: {diagnosis.get('why')}", str(diagnosis["observed"])]
    for finding in diagnosis["findings"]:
        lines.append(f"  {finding['cause']} {finding['confidence']}: {finding['title']}")
        lines.append(f"    {finding['holder']}")
        lines.extend(f"    {piece}" for piece in finding["evidence"])
    lines.extend(f"  note {note['cause']}: {note['text']}" for note in diagnosis["notes"])
    return "\n".join(lines)
