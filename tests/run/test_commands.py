"""Which file a word means, which interpreter runs it, and by what name the run goes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import EXE, environment, interpreters

if TYPE_CHECKING:
    from conftest import Bench, Done

TELL = "import os, sys; print(os.path.dirname(sys.executable), sys.argv)\n"


@pytest.fixture
def home(bench: Bench) -> Path:
    """An environment without heaplens."""
    python = next(iter(interpreters().values()))
    subprocess.run([python, "-m", "venv", "--without-pip", bench.folder / "env"], check=True)
    return bench.folder / "env"


def command(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def run(bench: Bench, *words: object, path: object = None, **variables: str) -> Done:
    env = {**environment(), **variables}
    if path:
        env["PATH"] = f"{path}{os.pathsep}{env['PATH']}"
    return bench.execute([EXE, "run", "-q", *words], env=env)


def recordings(bench: Bench) -> list[str]:
    return sorted(p.name.rsplit("-", 1)[0] for p in bench.folder.glob("*.hlens"))


def test_activated_environment(bench: Bench, home: Path) -> None:
    """It holds what the program needs; the one beside heaplens need not."""
    script = bench.script(TELL)
    assert run(bench, script, path=home / "bin", VIRTUAL_ENV=str(home)).stdout == f"{home}/bin {[str(script)]}\n"
    assert run(bench, script, VIRTUAL_ENV=str(home)).stdout != f"{home}/bin {[str(script)]}\n"  # a stale variable


def test_command_of_the_activated_environment(bench: Bench, home: Path) -> None:
    tool = command(home / "bin", "tool", f"#!{home}/bin/python3\n{TELL}")
    command(bench.folder / "other", "tool", "#!/bin/sh\necho other\n")
    done = run(bench, "tool", "x", path=f"{home}/bin{os.pathsep}{bench.folder}/other", VIRTUAL_ENV=str(home))
    assert done.stdout == f"{home}/bin {[str(tool), 'x']}\n"
    assert recordings(bench) == ["heaplens-tool"]


def test_command_and_a_folder_of_its_name(bench: Bench, home: Path) -> None:
    """`flask run` in a project that keeps a folder flask."""
    tool = command(home / "bin", "tool", f"#!{home}/bin/python3\n{TELL}")
    (bench.folder / "tool").mkdir()
    assert run(bench, "tool", path=home / "bin").stdout == f"{home}/bin {[str(tool)]}\n"
    (bench.folder / "tool/__main__.py").write_text("print('mine')\n")
    assert run(bench, "tool", path=home / "bin").stdout == "mine\n"


def test_command_named_by_its_path(bench: Bench, home: Path) -> None:
    tool = command(home / "bin", "tool", f"#!{home}/bin/python3 -O\nimport sys; print(sys.flags.optimize)\n{TELL}")
    assert run(bench, tool, "x").stdout == f"1\n{home}/bin {[str(tool), 'x']}\n"


def test_script_keeps_to_the_chosen_interpreter(bench: Bench, home: Path) -> None:
    """`python app.py` does not ask its first line either."""
    script = command(bench.folder, "app.py", f"#!/usr/bin/env nosuchpython\n{TELL}")
    assert run(bench, "--python", home, script).stdout == f"{home}/bin {[str(script)]}\n"
    tool = command(bench.folder, "tool", f"#!/nosuch/python\n{TELL}")
    assert run(bench, "--python", home, tool).stdout == f"{home}/bin {[str(tool)]}\n"


def test_command_whose_interpreter_is_gone(bench: Bench, home: Path) -> None:
    """A moved environment: the file is still a script."""
    tool = command(home / "bin", "tool", f"#!/nosuch/bin/python3\n{TELL}")
    done = run(bench, "tool", path=home / "bin", VIRTUAL_ENV=str(home))
    assert done.stdout == f"{home}/bin {[str(tool)]}\n"


def test_shell_script_that_becomes_a_python(bench: Bench, home: Path) -> None:
    command(bench.folder / "shims", "tool", f"#!/bin/sh\nexec {home}/bin/python3 -c 'import sys; print(sys.argv)' \"$@\"\n")
    done = run(bench, "tool", "a b", path=bench.folder / "shims")
    assert (done.status, done.stdout, done.stderr) == (0, "['-c', 'a b']\n", "")
    assert recordings(bench) == ["heaplens-tool"]


def test_shell_script_that_does_not(bench: Bench) -> None:
    command(bench.folder / "shims", "tool", "#!/bin/sh\necho hello; exit 3\n")
    done = run(bench, "tool", path=bench.folder / "shims")
    assert (done.status, done.stdout) == (3, "hello\n")
    assert "nothing was examined" in done.stderr
    assert not recordings(bench)


@pytest.mark.parametrize("words, name", [
    ("app.py x", "app"), ("-X dev -W ignore -O app.py", "app"), ("-Xdev -u -m app", "app"), ("-Wdmapp -mapp", "app"),
    ("-um app -c", "app"), ("-Oc pass x", "command"), ("-", "stdin"), ("", "stdin"), ("--check-hash-based-pycs never app.py", "app")])
def test_interpreter_with_arguments(bench: Bench, home: Path, words: str, name: str) -> None:
    bench.script(TELL)
    done = run(bench, "python3", *words.split(), path=home / "bin")
    assert done.status == 0, done.stderr
    assert recordings(bench) == ["heaplens-" + name]
    if name == "app":
        assert done.stdout.startswith(f"{home}/bin [")
