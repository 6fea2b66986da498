"""The programs on the pages of docs/causes do what the pages say, in both languages.

Which causes can be checked is asked of the executable: a cause it says it detects must be found in
the program that leaks; one it says it does not detect must not be, or its page is out of date. The
programs that leak nothing must be silent either way.
"""

from __future__ import annotations

import json
import subprocess
from functools import lru_cache
from pathlib import Path

import lens
import pytest

PAGES = Path(__file__).resolve().parents[2] / "docs/causes"
# On every page, in JSON; the parts a reader of the schema may count on.
PARTS = ("id", "title", "seed", "detected", "what", "leaks", "healthy", "recognised", "fix")


@lru_cache(maxsize=None)
def explain(*words: str) -> dict:
    done = subprocess.run([str(lens.EXE), "explain", "--json", *words], text=True, check=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=lens.SECONDS)
    return json.loads(done.stdout)


def causes(lang: str = "en") -> dict[str, dict]:
    return {cause["id"]: cause for cause in explain("--lang", lang)["causes"]}


IDS = sorted(page.stem for page in PAGES.glob("*.md")
             if page.stem not in ("README", "concept", "habits", "libraries"))


def run(program: str, folder: Path, check) -> None:
    (folder / "page.py").write_text(program, encoding="utf-8")
    lens.judge(["page.py"], folder, folder / "page.hlens", check)


def test_every_page_has_all_parts_in_both_languages() -> None:
    for lang in "en", "zh":
        pages = explain("--lang", lang)
        assert pages["schema"] == "heaplens.causes/1" and pages["lang"] == lang
        assert [topic["id"] for topic in pages["topics"]] == ["concept", "habits"]
        assert sorted(causes(lang)) == IDS
        for cause in pages["causes"]:
            assert tuple(cause) == PARTS
            assert all(cause[part] for part in PARTS if part not in ("seed", "detected")), cause


def program_of(cause: dict, part: str) -> str:
    """Without its comments, which are translated."""
    lines = (line.split("#")[0].rstrip() for line in cause[part].splitlines())
    return "\n".join(lines)


@pytest.mark.parametrize("cause", IDS)
def test_both_languages_show_one_program(cause: str) -> None:
    for part in "leaks", "healthy":
        assert program_of(causes("zh")[cause], part) == program_of(causes("en")[cause], part)


def test_the_causes_of_a_diagnosis_have_pages() -> None:
    detected = {name for name, cause in causes().items() if cause["detected"]}
    assert detected >= {"reference-cycle", "closure", "growing-container", "unbounded-cache"}


@pytest.mark.parametrize("cause", IDS)
def test_what_leaks_is_found(cause: str, tmp_path: Path) -> None:
    def check(diagnosis: dict) -> None:
        story = lens.brief(diagnosis)
        found = [finding["cause"] for finding in diagnosis["findings"]]
        if not causes()[cause]["detected"]:
            assert cause not in found, f"{cause} is detected, and `explain` says it is not\n{story}"
            return
        assert diagnosis["verdict"] == "leak", story
        assert found[0] == cause, story

    run(causes()[cause]["leaks"], tmp_path, check)


@pytest.mark.parametrize("cause", IDS)
def test_what_does_not_leak_is_silent(cause: str, tmp_path: Path) -> None:
    def check(diagnosis: dict) -> None:
        story = lens.brief(diagnosis)
        assert diagnosis["verdict"] == "no-leak" and not diagnosis["findings"], story

    run(causes()[cause]["healthy"], tmp_path, check)
