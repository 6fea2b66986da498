"""heaplens.expect_collected under `heaplens run`: what should be gone, is reported with its holder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from test_rounds import imports, runs  # noqa: F401  (a fixture)

if TYPE_CHECKING:
    from conftest import Bench

SESSIONS = """
import heaplens, sys
listeners = []
class Session:
    def __init__(self):
        listeners.append(self)
        self.parts = Parts(self)
    def close(self):
        if sys.argv[1] == "good":
            listeners.remove(self)
        heaplens.expect_collected(self, "closed")
        heaplens.expect_collected(self.parts, "closed")
class Parts:
    def __init__(self, session):
        if sys.argv[1] != "good":
            self.session = session  # a cycle
for i in range(5):
    Session().close()
if sys.argv[1] == "late":
    listeners.clear()  # what waits for the collector is no leak
"""


def test_what_is_held_is_told_once_with_its_holder(imports, python):  # noqa: F811
    diagnosis = runs(imports, SESSIONS, "bad").diagnosis()
    assert diagnosis["verdict"] == "leak", json.dumps(diagnosis, indent=1)
    [finding] = diagnosis["findings"]
    assert finding["cause"] == "not-collected"
    assert finding["confidence"] == "certain"
    assert finding["holder"] == {"name": "__main__.listeners", "kind": "module-global", "type": "list"}
    assert finding["title"].startswith("5 __main__.Session should be gone (closed) and are there")
    assert [step["type"] for step in finding["path"]] == ["module", "list", "__main__.Session"]


@pytest.mark.parametrize("how", ["good", "late"])
def test_what_is_gone_is_silent(imports, python, how):  # noqa: F811
    diagnosis = runs(imports, SESSIONS, how).diagnosis()
    assert diagnosis["findings"] == [], json.dumps(diagnosis, indent=1)
    assert diagnosis["verdict"] == "no-leak"
    waits = [note for note in diagnosis["notes"] if "wait" in note["text"]]
    assert len(waits) == (how == "late")


def test_by_address_is_only_possible(imports):  # noqa: F811
    text = ("import heaplens\nclass Slots: __slots__ = ('x',)\nstill = Slots()\n"
            "def f():\n"
            "    gone = Slots(); heaplens.expect_collected(gone, 'no weak reference')\n"
            "f()\nheaplens.expect_collected(still, 'no weak reference')\n")
    diagnosis = runs(imports, text).diagnosis()
    [finding] = diagnosis["findings"]
    assert (finding["cause"], finding["confidence"]) == ("not-collected", "possible")
    assert finding["holder"]["name"] == "__main__.still"
    assert diagnosis["verdict"] == "undecided"


def test_an_expectation_a_round_is_no_leak_of_ours(imports):  # noqa: F811
    """The register loses what is gone; what is kept is kept by the program."""
    text = ("import heaplens\nclass Page: pass\nkept = []\n"
            "for i in range(60):\n"
            "    page = Page(); heaplens.expect_collected(page, 'served'); kept.append(page)\n"
            "    heaplens.mark()\n"
            "del page\n")
    diagnosis = runs(imports, text).diagnosis()
    assert {f["holder"]["name"] for f in diagnosis["findings"]} == {"__main__.kept"}
    assert any("should be gone" in line for f in diagnosis["findings"] for line in f["evidence"])


def test_marks_expectations_and_a_killed_program(imports: Bench):  # noqa: F811
    text = SESSIONS + "import os, signal, time\ntime.sleep(0.6)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    done = imports.watched(imports.script(text), "bad", options=("--json",))
    assert done.status == -9
