"""The runner of the score: how it judges, how it counts, that its programs are where it says."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))
import corpus  # noqa: E402  (the path comes first)
import key  # noqa: E402
import score  # noqa: E402

ANSWER = key.leak("some/program.py", ("callback-registry", "growing-container"), "bus handlers",
                  "instance-attribute", 0)
LEAK = score.Case("planted", "planted/program", ("program.py",), None, "leak", (ANSWER,))
SILENT = score.Case("healthy", "healthy/program", ("program.py",), None, "silent")
OPEN = score.Case("leaks", "open/program", ("program.py",), None, "unaccused")


def finding(cause="callback-registry", name="app.bus.handlers", kind="instance-attribute",
            confidence="strong"):
    return {"cause": cause, "confidence": confidence, "title": "", "evidence": [],
            "holder": {"name": name, "kind": kind, "type": "list"}}


def diagnosis(verdict="leak", *findings):
    return {"verdict": verdict, "findings": list(findings), "notes": []}


@pytest.mark.parametrize(("case", "said", "word"), [
    (LEAK, diagnosis("leak", finding()), "right"),
    (LEAK, diagnosis("leak", finding("growing-container")), "right"),
    (LEAK, diagnosis("leak", finding("closure")), "cause"),
    (LEAK, diagnosis("leak", finding(name="app.bus.queue")), "holder"),
    (LEAK, diagnosis("leak", finding(kind="module-global")), "holder"),
    (LEAK, diagnosis("leak", finding("closure"), finding()), "cause"),
    (LEAK, diagnosis("undecided", finding(confidence="possible")), "undecided"),
    (LEAK, diagnosis("no-leak"), "silent"),
    (SILENT, diagnosis("no-leak"), "right"),
    (SILENT, diagnosis("undecided", finding(confidence="possible")), "undecided"),
    (SILENT, diagnosis("leak", finding()), "accused"),
    (OPEN, diagnosis("undecided", finding(confidence="possible")), "right"),
    (OPEN, diagnosis("leak", finding()), "accused"),
])
def test_judge(case, said, word):
    assert score.judge(case, said).word == word


def test_two_leaks_in_any_order():
    two = score.Case("leaks", "two", ("two.py",), None, "leak", (
        ANSWER, key.leak("two.py", "unbounded-cache", "pages", "module-global", 0)))
    cache = finding("unbounded-cache", "app.pages", "module-global")
    assert score.judge(two, diagnosis("leak", finding(), cache)).word == "right"
    assert score.judge(two, diagnosis("leak", cache, finding())).word == "right"
    half = score.judge(two, diagnosis("leak", finding()))
    assert (half.word, half.words, half.given) == ("cause", ("right", "cause"), ())
    more = score.judge(two, diagnosis("leak", cache, finding(), finding("closure", "x")))
    assert (more.word, more.given, more.beside) == ("right", (), ("closure x",))


def test_matrix_counts():
    def outcome(case, *said):
        judged = score.judge(case, diagnosis(*said))
        return score.Outcome(case, 0, judged.word, judged)

    outcomes = [outcome(LEAK, "leak", finding()), outcome(LEAK, "leak", finding("closure")),
                outcome(LEAK, "no-leak"), outcome(SILENT, "leak", finding()),
                outcome(SILENT, "no-leak")]
    table = score.matrix(outcomes)
    rows = {row[0]: dict(zip(table[0], row)) for row in table}
    row = rows["callback-registry"]
    assert (row["runs"], row["right"], row["other cause"], row["silent"]) == ("3", "1", "closure 1", "1")
    assert (row["recall"], row["wrongly given"], row["precision"]) == ("33.3 %", "1", "50.0 %")
    assert (rows["closure"]["runs"], rows["closure"]["wrongly given"]) == ("0", "1")
    assert (rows["**all leaks**"]["right"], rows["**all leaks**"]["wrongly given"]) == ("1", "2")
    assert score.healthy(outcomes)[-1] == ["**all**", "2", "1", "0", "1"]


def test_matrix_counts_each_leak_of_a_program():
    two = score.Case("leaks", "two", ("two.py",), None, "leak", (
        ANSWER, key.leak("two.py", "unbounded-cache", "pages", "module-global", 0)))
    judged = score.judge(two, diagnosis("leak", finding(), finding("closure", "app.pages")))
    table = score.matrix([score.Outcome(two, 0, judged.word, judged)])
    rows = {row[0]: dict(zip(table[0], row)) for row in table}
    assert (rows["callback-registry"]["right"], rows["unbounded-cache"]["other cause"]) == ("1", "closure 1")
    assert (rows["closure"]["wrongly given"], rows["**all leaks**"]["precision"]) == ("1", "50.0 %")


def test_repetitions():
    def outcome(case, repetition, said):
        return score.Outcome(case, repetition, "right", score.judge(case, said), diagnosis=said)

    sure = finding(confidence="certain")
    lines = score.repetitions([
        outcome(LEAK, 0, diagnosis("leak", finding())), outcome(LEAK, 1, diagnosis("leak", sure)),
        outcome(SILENT, 0, diagnosis("no-leak")), outcome(SILENT, 1, diagnosis("leak", sure))])
    assert lines[0] == "The same verdict, cause and holder each time, in 2 runs: 1 of 2 programs."
    assert lines[2:] == ["- healthy/program", "  - #0: no-leak",
                         "  - #1: leak, callback-registry `app.bus.handlers`"]


def test_waiting_cases_do_not_count():
    waiting = score.Case("packages", "native", ("n.py",), None, "leak", (ANSWER,), waits="C")
    outcome = score.Outcome(waiting, 0, "silent")
    assert not outcome.wrong
    assert score.matrix([outcome])[1][:3] == ["**all leaks**", "0", "0"]


def test_every_program_has_its_answer():
    folder = Path(score.HERE)
    there = {f"{group}/{path.name}" for group in ("healthy", "planted", "packages")
             for path in (folder / group).glob("*.py")}
    assert there == {entry.program for entry in corpus.PROGRAMS}
    for entry in corpus.PROGRAMS:
        assert (entry.answer is None) == entry.program.startswith("healthy/"), entry.program
        takes = "proper" in (folder / entry.program).read_text().split('"')
        assert not entry.proper or takes, f"{entry.program} does not know the word proper"
        for need in (*entry.needs, *entry.fixed):
            assert "==" in need, f"{need} is not pinned"


def test_run(tmp_path, capsys):
    """Two real runs, with a seed and a busy machine: the page, the files, the exit status."""
    page = tmp_path / "page.md"
    status = score.main(["--match", "planted/model_cache$|leaks/healthy/short$", "--seeds", "--busy",
                         "--repeat", "2", "--quiet", "--output", str(page)])
    printed = capsys.readouterr().out
    assert status == 0, printed
    assert "2 programs, 4 runs, machine kept busy, hash seeds varied" in page.read_text()
    assert "| unbounded-cache | 2    | 2 " in page.read_text()
    assert "each time, in 2 runs: 2 of 2 programs." in page.read_text()
    assert sorted(os.listdir(tmp_path / "page")) == [
        f"{name}.{repetition}.{kind}" for name in ("healthy-short", "planted-model-cache")
        for repetition in (0, 1) for kind in ("json", "txt")]
    assert "unbounded-cache" in (tmp_path / "page/planted-model-cache.1.txt").read_text()


def test_wrong_verdict_is_told(tmp_path, capsys, monkeypatch):
    wrong = [score.Case("leaks", "healthy/short", (str(score.ROOT / "tests/leaks/healthy/short.py"),),
                        None, "leak", (ANSWER,))]
    monkeypatch.setattr(score, "select", lambda options: wrong)
    assert score.main(["--quiet", "--output", str(tmp_path / "page.md")]) == 1
    printed = capsys.readouterr().out
    assert "healthy/short #0: silent" in printed
    assert "expected  callback-registry or growing-container, `bus handlers`" in printed


def test_nothing_selected(capsys):
    assert score.main(["--match", "no such program"]) == 2
    assert "no program" in capsys.readouterr().err
