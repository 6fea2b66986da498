"""Programs plainly and under `heaplens run`, side by side, on every interpreter heaplens is built for.

HEAPLENS_EXE     the executable (default: .venv/bin/heaplens of this checkout)
HEAPLENS_PYTHON  the one interpreter to use (default: all that can be found and that are accepted)
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

# Whoever began this may ignore them (nohup, a shell's background), and so would every program here.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

ROOT = Path(__file__).resolve().parents[2]
EXE = Path(os.environ.get("HEAPLENS_EXE") or ROOT / ".venv/bin/heaplens")
SECONDS = 60
# Says nothing unless there is a leak, and the programs here are not about leaks.
QUIET = ("-q", "--min-growth", "1G")


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}


def version_of(python: str) -> str:
    code = "import platform; print(platform.python_version())"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, timeout=SECONDS)
    return done.stdout.strip()


def accepted(python: str) -> bool:
    """Observed, that is; an interpreter too old for an audit hook runs, but unseen."""
    with tempfile.TemporaryDirectory() as folder:
        words = [EXE, "run", "-q", "--python", python, "-c", "pass"]
        done = subprocess.run(words, cwd=folder, capture_output=True, timeout=SECONDS)
        return done.returncode == 0 and bool(os.listdir(folder))


@lru_cache(maxsize=None)
def interpreters() -> dict[str, str]:
    """Version -> path, one of each."""
    named = os.environ.get("HEAPLENS_PYTHON")
    if named:
        return {version_of(named): named}
    candidates = [str(EXE.parent / "python3"), sys.executable]
    listed = subprocess.run([ROOT / "tools/interpreters.sh"], capture_output=True, text=True)
    lines = [line.split("\t") for line in listed.stdout.splitlines()]
    candidates += [python for _, python, why in lines if not why]
    found: dict[str, str] = {}
    for python in candidates:
        if os.access(python, os.X_OK):
            version = version_of(python)
            if version and version not in found and accepted(python):
                found[version] = python
    return found


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "one_interpreter: slow, and much the same on all: the first one is enough")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """HEAPLENS_PYTHON makes another one the first."""
    def is_wanted(item: pytest.Item) -> bool:
        given = getattr(item, "callspec", None)
        python = given.params.get("python") if given else None
        return not (python and item.get_closest_marker("one_interpreter")) or python == next(iter(interpreters().values()))

    others = [item for item in items if not is_wanted(item)]
    if others:
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if is_wanted(item)]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "python" in metafunc.fixturenames:
        if not EXE.exists():
            metafunc.parametrize("python", [pytest.param("", marks=pytest.mark.skip(f"no {EXE}"))])
            return
        found = interpreters()
        metafunc.parametrize("python", list(found.values()), ids=list(found))


@dataclass
class Done:
    status: int
    stdout: str
    stderr: str

    def plain(self) -> tuple[int, str, str]:
        """What two runs of one program have in common."""
        address = r"0x[0-9a-f]+"
        error = re.sub(r"\(pid=\d+\)", "(pid=N)", self.stderr)  # 3.12 warns of a fork among threads
        return self.status, re.sub(address, "0x", self.stdout), re.sub(address, "0x", error)

    def diagnosis(self) -> dict[str, Any]:
        start = re.search(r"^\{", self.stderr, re.MULTILINE)
        assert start, f"no diagnosis; status {self.status}, stderr:\n{self.stderr}"
        answer: dict[str, Any] = json.loads(self.stderr[start.start():])
        return answer


class Bench:
    """A folder to run in, with one interpreter."""

    def __init__(self, folder: Path, python: str = "") -> None:
        self.folder = folder
        self.python = python
        self.file = folder / "out.hlens"

    def execute(self, words: list[Any], **more: Any) -> Done:
        more.setdefault("env", environment())
        if "input" not in more:
            more.setdefault("stdin", subprocess.DEVNULL)
        more.setdefault("cwd", self.folder)
        done = subprocess.run([str(w) for w in words], text=True, timeout=SECONDS,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, **more)
        return Done(done.returncode, done.stdout, done.stderr)

    def alone(self, *words: Any, **more: Any) -> Done:
        return self.execute([self.python, *words], **more)

    def watched(self, *words: Any, options: tuple[Any, ...] = QUIET, **more: Any) -> Done:
        python = ["--python", self.python] if self.python else []
        return self.execute([EXE, "run", "-f", "-o", self.file, *options, *python, *words], **more)

    def same(self, *words: Any, **more: Any) -> Done:
        """Runs it both ways; every difference is a failure. The watched run comes back."""
        expected, got = self.alone(*words, **more), self.watched(*words, **more)
        assert got.plain() == expected.plain()
        return got

    def script(self, text: str, name: str = "app.py") -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path


@pytest.fixture
def bench(tmp_path: Path, request: pytest.FixtureRequest) -> Bench:
    python = request.getfixturevalue("python") if "python" in request.fixturenames else ""
    if not EXE.exists():
        pytest.skip(f"no {EXE}")
    return Bench(tmp_path, python)
