"""Every program of tests/leaks under `heaplens run`, held against its answer key."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import lens
import pytest
from rename import rename

LEAKS_FOLDER = Path(__file__).resolve().parents[1] / "leaks"
sys.path.insert(0, str(LEAKS_FOLDER))
import key  # noqa: E402  (the path comes first)

# As they stand, all of them; under other names each fourth, and all with `make renamed`.
RENAMED = key.LEAKS if os.environ.get("HEAPLENS_RENAMED") == "all" else key.LEAKS[::4]


def command(leak: key.Leak, root: Path) -> tuple[list[str], Path]:
    """What to run, and where."""
    path = root / leak.program
    return (["-m", path.name], path.parent) if leak.package else ([str(path)], root)


def check_leak(leak: key.Leak, diagnosis: dict, names: dict[str, str]) -> None:
    def renamed(old: tuple[str, ...]) -> set[str]:
        return {names.get(name, name) for name in old}

    story = lens.brief(diagnosis)
    assert diagnosis["verdict"] == "leak", story
    first = diagnosis["findings"][0]
    assert first["cause"] in leak.causes, story
    assert first["confidence"] in ("certain", "strong"), story
    assert first["holder"]["kind"] in leak.kinds, story
    assert renamed(leak.holder) <= lens.words(first["holder"]["name"]), story
    says = renamed(leak.says)
    if diagnosis["target"]["python"].startswith(("3.9.", "3.10.")):
        # before 3.11 a code object knows its own name, not the function it stands in
        assert not says or says & lens.words(first), story
    else:
        assert says <= lens.words(first), story
    assert first["retained"]["bytes"] >= leak.megabytes * 1e6, story
    assert first["growth"]["bytes"] >= leak.megabytes * 1e6 / 2, story
    accused = {finding["holder"]["name"] for finding in diagnosis["findings"]
               if finding["confidence"] != "possible"}
    assert len(accused) == 1, f"one thing leaks, {len(accused)} are accused\n{story}"


def check_silent(diagnosis: dict) -> None:
    story = lens.brief(diagnosis)
    assert diagnosis["verdict"] == "no-leak", story
    assert diagnosis["findings"] == [], story


@pytest.mark.parametrize("leak", key.LEAKS, ids=lambda leak: leak.name)
def test_leak(leak: key.Leak, tmp_path: Path) -> None:
    arguments, folder = command(leak, LEAKS_FOLDER)
    watched = lens.judge(arguments, folder, tmp_path / "run.hlens",
                         lambda diagnosis: check_leak(leak, diagnosis, {}))
    assert (watched.stdout, watched.status) == lens.plain(arguments, folder)
    assert watched.status == key.STATUS.get(leak.name, 0)


@pytest.mark.parametrize("leak", RENAMED, ids=lambda leak: leak.name)
def test_renamed_leak(leak: key.Leak, tmp_path: Path) -> None:
    """The same program with other names gets the same cause: no name is looked at."""
    path = LEAKS_FOLDER / leak.program
    files = sorted(path.glob("*.py")) if leak.package else [path]
    sources = {str(file.relative_to(LEAKS_FOLDER)): file.read_text() for file in files}
    sources, names = rename(sources, leak.keep)
    for name, text in sources.items():
        target = tmp_path / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    arguments, folder = command(leak, tmp_path)
    watched = lens.judge(arguments, folder, tmp_path / "run.hlens",
                         lambda diagnosis: check_leak(leak, diagnosis, names))
    assert (watched.stdout, watched.status) == lens.plain(*command(leak, LEAKS_FOLDER))


@pytest.mark.parametrize("program", key.HEALTHY)
def test_healthy(program: str, tmp_path: Path) -> None:
    arguments = [str(LEAKS_FOLDER / program)]
    watched = lens.judge(arguments, tmp_path, tmp_path / "run.hlens", check_silent)
    assert (watched.stdout, watched.status) == lens.plain(arguments, tmp_path)
    assert watched.status == 0


@pytest.mark.parametrize("program", key.UNACCUSED)
def test_unaccused(program: str, tmp_path: Path) -> None:
    """What cannot be decided is not decided."""
    watched = lens.watch([str(LEAKS_FOLDER / program)], tmp_path, tmp_path / "run.hlens")
    assert watched.diagnosis["verdict"] != "leak", lens.brief(watched.diagnosis)
    for finding in watched.diagnosis["findings"]:
        assert finding["confidence"] == "possible", lens.brief(watched.diagnosis)


def test_two_leaks(tmp_path: Path) -> None:
    watched = lens.watch([str(LEAKS_FOLDER / key.TWO)], tmp_path, tmp_path / "run.hlens")
    story = lens.brief(watched.diagnosis)
    assert watched.diagnosis["verdict"] == "leak", story
    accused = [finding for finding in watched.diagnosis["findings"]
               if finding["confidence"] != "possible"]
    assert len(accused) == 2, story
    for holder, cause in key.TWO_HOLDERS.items():
        named = [finding for finding in accused
                 if set(holder) <= lens.words(finding["holder"]["name"])]
        assert [finding["cause"] for finding in named] == [cause], story


@pytest.mark.parametrize("program", key.NOTED)
def test_noted(program: str, tmp_path: Path) -> None:
    """Seen, no leak, and worth a sentence."""
    watched = lens.watch([str(LEAKS_FOLDER / program)], tmp_path, tmp_path / "run.hlens")
    check_silent(watched.diagnosis)
    cause, wanted = key.NOTED[program]
    texts = [note["text"] for note in watched.diagnosis["notes"] if note["cause"] == cause]
    assert any(set(wanted) <= lens.words(text) for text in texts), lens.brief(watched.diagnosis)
