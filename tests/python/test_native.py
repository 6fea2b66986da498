"""The executable is found, asked, and its failures become one exception."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import heaplens
from heaplens import _native


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """stand_in(answer, code=0, said="") makes an executable and names it in HEAPLENS_EXE.

    It writes its arguments to the file returned, answer to stdout, said to stderr.
    """

    def make(answer: Any, code: int = 0, said: str = "") -> Path:
        words = tmp_path / "words"
        out = answer if isinstance(answer, str) else json.dumps(answer)
        program = tmp_path / "heaplens"
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"open({str(words)!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
            f"sys.stdout.write({out!r})\n"
            f"sys.stderr.write({said!r})\n"
            f"sys.exit({code})\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("HEAPLENS_EXE", os.fspath(program))
        return words

    return make


def test_the_installed_executable_is_the_one_beside_the_package(monkeypatch):
    monkeypatch.delenv("HEAPLENS_EXE", raising=False)
    found = Path(_native.executable())
    assert found.name == "heaplens"
    assert found.parent == Path(sys.executable).parent


def test_heaplens_exe_wins(stand_in):
    words = stand_in({"hello": 1})
    assert _native.ask("show", "a file.hlens", "--view", "types") == {"hello": 1}
    assert words.read_text().split("\n") == ["show", "a file.hlens", "--view", "types", "--json"]


def test_a_wrong_heaplens_exe_is_named(monkeypatch, tmp_path):
    monkeypatch.setenv("HEAPLENS_EXE", str(tmp_path / "nothing"))
    with pytest.raises(heaplens.Error, match="HEAPLENS_EXE names .*nothing"):
        _native.ask("doctor")


def test_no_executable_anywhere(monkeypatch):
    monkeypatch.delenv("HEAPLENS_EXE", raising=False)
    monkeypatch.setattr(_native, "_places", lambda: iter(["/nowhere/heaplens"]))
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(heaplens.Error, match="neither beside this interpreter nor on PATH"):
        _native.executable()


def test_its_sentence_becomes_the_error(stand_in):
    stand_in("", code=3, said="heaplens: x.hlens is not a heaplens file\n")
    with pytest.raises(heaplens.Error) as caught:
        heaplens.Snapshot("x.hlens").diagnose()
    assert str(caught.value) == "x.hlens is not a heaplens file"
    assert caught.value.exit_code == 3


def test_a_crash_is_told_as_one(stand_in, tmp_path):
    stand_in({})
    Path(tmp_path / "heaplens").write_text(
        f"#!{sys.executable}\nimport os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    with pytest.raises(heaplens.Error, match="ended by signal 9"):
        _native.ask("show")


def test_no_json(stand_in):
    stand_in("plain words")
    with pytest.raises(heaplens.Error, match="gave no JSON"):
        _native.ask("show")


def test_findings_are_no_failure(stand_in):
    stand_in({"verdict": "leak"}, code=1)
    assert heaplens.Snapshot("x.hlens").diagnose()["verdict"] == "leak"


def test_an_incomplete_answer_warns(stand_in):
    stand_in({"verdict": "undecided"}, code=4, said="heaplens: 2 chunks could not be read\n")
    with pytest.warns(RuntimeWarning, match="2 chunks could not be read"):
        assert heaplens.Snapshot("x.hlens").diagnose()["verdict"] == "undecided"


def test_python_m_heaplens_becomes_the_executable(stand_in):
    words = stand_in("said by the executable", code=7)
    done = subprocess.run(
        [sys.executable, "-m", "heaplens", "diagnose", "x.hlens", "-q"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (7, "said by the executable", "")
    assert words.read_text().split("\n") == ["diagnose", "x.hlens", "-q"]


def test_python_m_heaplens_without_an_executable(monkeypatch, tmp_path):
    monkeypatch.setenv("HEAPLENS_EXE", str(tmp_path / "nothing"))
    done = subprocess.run(
        [sys.executable, "-m", "heaplens"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert done.stderr.startswith("heaplens: HEAPLENS_EXE names")
