"""Audits for the tests here: the extension is built for each interpreter, its functions are called."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
EXE = Path(os.environ.get("HEAPLENS_EXE") or ROOT / ".venv/bin/heaplens")
SECONDS = 120


@dataclass(frozen=True)
class Interpreter:
    version: str
    path: str
    why: str  # it cannot be built with; or ""

    @property
    def minor(self) -> int:
        return int(self.version.split(".")[1])


@lru_cache(maxsize=None)
def interpreters() -> tuple[Interpreter, ...]:
    chosen = os.environ.get("HEAPLENS_PYTHON")
    done = subprocess.run([ROOT / "tools/interpreters.sh"], capture_output=True, text=True,
                          check=True, timeout=SECONDS)
    found = [Interpreter(*line.split("\t")) for line in done.stdout.splitlines()]
    return tuple(i for i in found if chosen is None or i.path == chosen)


def buildable() -> list[Interpreter]:
    return [i for i in interpreters() if not i.why]


def own() -> Interpreter:
    """The one the package is installed with."""
    python = EXE.parent / "python"
    code = "import platform, sys; print(platform.python_version())"
    done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True,
                          timeout=SECONDS)
    return Interpreter(done.stdout.strip(), str(python), "")


@lru_cache(maxsize=None)
def extension(python: Interpreter) -> Path:
    """A folder with planted.so, planted_clean.so and calls.py; planted.so has debug information."""
    folder = Path(tempfile.mkdtemp(prefix="heaplens-planted-"))
    code = "import sysconfig; p = sysconfig.get_paths(); print(p['include'], p['platinclude'])"
    done = subprocess.run([python.path, "-c", code], capture_output=True, text=True, check=True,
                          timeout=SECONDS)
    include = [f"-I{path}" for path in done.stdout.split()]
    for name, flags in ("planted", ["-g"]), ("planted_clean", ["-DCLEAN"]):
        subprocess.run([os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", *flags, *include,
                        HERE / "planted.c", "-o", folder / f"{name}.so"], check=True,
                       timeout=SECONDS)
    (folder / "calls.py").write_text((HERE / "calls.py").read_text())
    return folder


@lru_cache(maxsize=None)
def stripped(python: Interpreter, *options: str) -> Path:
    """The same, after strip with these options."""
    folder = Path(tempfile.mkdtemp(prefix="heaplens-stripped-"))
    for path in extension(python).iterdir():
        if path.is_file():
            (folder / path.name).write_bytes(path.read_bytes())
    subprocess.run(["strip", *options, folder / "planted.so"], check=True, timeout=SECONDS)
    return folder


def line_of(text: str, file: str = "planted.c") -> int:
    """The line in which it stands, the only one."""
    (line,) = [n for n, at in enumerate((HERE / file).read_text().splitlines(), 1) if text in at]
    return line


@dataclass(frozen=True)
class Audit:
    status: int
    diagnosis: dict | None
    said: str

    def findings(self) -> dict[tuple[str, str], dict]:
        assert self.diagnosis, self.said
        return {(f["cause"], f["holder"]["name"]): f for f in self.diagnosis["findings"]}

    def grows(self) -> set[str]:
        assert self.diagnosis, self.said
        return {r["name"] for r in self.diagnosis["resources"] if r["grows"]}

    def calls(self) -> int:
        """In the rounds that were looked at."""
        assert self.diagnosis, self.said
        return int(self.diagnosis["observed"]["rounds"])

    def brief(self) -> str:
        if not self.diagnosis:
            return f"{self.status}: {self.said}"
        lines = [f"{self.status}: {self.diagnosis['verdict']}, {self.diagnosis['why']}"]
        lines += [f"{f['cause']} {f['confidence']}: {f['title']}\n    {f['evidence']}"
                  for f in self.diagnosis["findings"]]
        return "\n".join([*lines, *map(str, self.diagnosis["resources"]), self.said])


def audit(*words: str, folder: Path, clean: bool = False, busy: bool = False,
          exe: Path = EXE, **more: str) -> Audit:
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **more}
    env.update({"HEAPLENS_CLEAN": "1"} if clean else {}, **({"HEAPLENS_BUSY": "1"} if busy else {}))
    done = subprocess.run([exe, "audit", "--json", *words], cwd=folder, env=env, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=SECONDS)
    return Audit(done.returncode, json.loads(done.stdout) if done.stdout else None, done.stderr)
