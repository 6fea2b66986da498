"""Snapshots and differences, through the Python package and the real executable."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path

import pytest

import heaplens
from heaplens import _core


class Kept:
    def __init__(self) -> None:
        self.load = bytearray(1000)


kept: list[Kept] = []


def test_a_named_snapshot_stays(tmp_path):
    path = tmp_path / "one.hlens"
    with heaplens.snapshot(path) as taken:
        assert taken.path == str(path)
        assert os.fspath(taken) == str(path)
        assert taken.summary is not None
        assert taken.summary.objects > len(gc.get_objects()) / 2
        assert path.stat().st_size - 1000 < taken.summary.file_bytes < path.stat().st_size
        assert 0 < taken.summary.pause_seconds < 5
    assert path.exists()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_temporary_snapshot_goes():
    with heaplens.snapshot() as taken:
        path = Path(taken.path)
        assert path.exists()
    assert not path.parent.exists()
    taken.close()  # twice is fine

    path = Path(heaplens.snapshot().path)  # never closed: the collector does it
    gc.collect()
    assert not path.exists()


def test_an_existing_file_is_refused_unless_appended(tmp_path):
    path = tmp_path / "one.hlens"
    heaplens.snapshot(path)
    size = path.stat().st_size
    with pytest.raises(heaplens.Error):
        heaplens.snapshot(path)
    assert path.stat().st_size == size
    heaplens.snapshot(path, append=True)
    assert path.stat().st_size > size


def test_an_unwritable_place_is_named(tmp_path):
    with pytest.raises(heaplens.Error, match="no-such-folder"):
        heaplens.snapshot(tmp_path / "no-such-folder" / "x.hlens")


def test_types_are_shown():
    kept[:] = [Kept() for _ in range(321)]
    try:
        with heaplens.snapshot() as taken:
            table = taken.show("types", top=1000)
    finally:
        kept.clear()
    assert table.view == "types"
    assert table.rows
    mine = [row for row in table.rows if row["type"].endswith(f"{__name__}.Kept")]
    assert [row["objects"] for row in mine] == [321]


def test_an_unknown_view_is_an_error():
    with heaplens.snapshot() as taken, pytest.raises(heaplens.Error, match="moods") as caught:
        taken.show("moods")
    assert caught.value.exit_code == 2


def test_diff_names_what_grew(tmp_path):
    files = [tmp_path / f"{i}.hlens" for i in range(3)]
    try:
        for path in files:
            kept.extend(Kept() for _ in range(500))
            heaplens.snapshot(path)
        rows = heaplens.diff(*files)
    finally:
        kept.clear()
    assert all(isinstance(row, heaplens.Growth) for row in rows)
    mine = [row for row in rows if "kept" in row.where and row.objects_delta >= 1000]
    assert mine, rows[:5]
    assert max(row.below_bytes_delta for row in mine) > 1000 * 1000
    assert all(len(row.objects_series) == 3 for row in mine)


def test_diagnose_answers_in_the_schema():
    with heaplens.snapshot() as taken:
        verdict = taken.diagnose()
    assert verdict["schema"] == "heaplens.diagnosis/1"
    assert verdict["verdict"] in ("leak", "no-leak", "undecided")
    assert verdict["observed"]["snapshots"] == 1


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(heaplens.Error, match=r"gone\.hlens") as caught:
        heaplens.Snapshot(tmp_path / "gone.hlens").diagnose()
    assert caught.value.exit_code == 3


def test_an_extension_of_another_release_says_what_to_do(monkeypatch):
    def refuse(name: str) -> None:
        raise ImportError("built for 3.11.6")

    ask = heaplens.snapshot
    monkeypatch.delitem(sys.modules, "heaplens._inside", raising=False)
    monkeypatch.setattr(_core.importlib, "import_module", refuse)
    monkeypatch.setattr(_core, "_from_cores", lambda: None)
    with pytest.raises(heaplens.Error, match=r"built for 3\.11\.6.*pip install heaplens"):
        ask()


def test_importing_heaplens_loads_little():
    """The package must not drag itself into a program that only imports it."""
    code = "import sys, heaplens; print('heaplens._inside' in sys.modules)"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout == "False\n"


@pytest.mark.parametrize(
    ("arguments", "program"),
    [
        (["-c", "PROBE"], "-c"),
        (["-m", "probe"], "-m probe"),
        (["probe.py", "secret"], "probe.py"),
    ],
)
def test_the_program_is_named_without_its_arguments(tmp_path, arguments, program):
    probe = "from heaplens import _heap; print(_heap.program())"
    (tmp_path / "probe.py").write_text(probe)
    arguments = [probe if word == "PROBE" else word for word in arguments]
    out = subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert out.stdout == program + "\n"
