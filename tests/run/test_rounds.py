"""heaplens.mark(), heaplens.round() and --rounds under `heaplens run`: counts per unit of work."""

from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING

import pytest
from conftest import EXE, environment

if TYPE_CHECKING:
    from conftest import Bench, Done

PACKAGE = next((EXE.parent.parent / "lib").glob("python*/site-packages"), None)
JSON = ("--json",)
# Everything here is some kilobytes: without rounds it would be below what matters.
WORK = """
import sys
kept, seen = [], {}
class Page: pass
def leaks(i):
    pages = [Page() for _ in range(7)]
    kept.extend(pages[:3])
def clean(i):
    pages = [Page() for _ in range(7)]
def fills(i):  # and is full half-way
    seen.setdefault(i % 15, Page())
def works(i):
    dict(leaks=leaks, clean=clean, fills=fills)[sys.argv[1]](i)
"""
MARKS = "import heaplens\n" + WORK + """
for i in range(int(sys.argv[2])):
    works(i)
    heaplens.mark()
"""
BLOCKS = "import heaplens\n" + WORK + """
for i in range(int(sys.argv[2])):
    with heaplens.round():
        works(i)
"""
NAMED = WORK + """
class App:
    def handle(self, i):
        works(i)
app = App()
for i in range(int(sys.argv[2])):
    app.handle(i)
"""


@pytest.fixture
def imports(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """Any interpreter imports the one package; it has a core for each."""
    monkeypatch.setenv("PYTHONPATH", str(PACKAGE))
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    return bench


def runs(bench: Bench, text: str, *words: str, options: tuple[str, ...] = JSON) -> Done:
    done = bench.watched(bench.script(text), *words, options=options)
    assert done.status == 0, done.stderr
    return done


@pytest.mark.parametrize("text", [MARKS, BLOCKS], ids=["mark", "round"])
def test_three_objects_a_round_are_a_leak(imports, python, text):
    diagnosis = runs(imports, text, "leaks", "40").diagnosis()
    assert diagnosis["observed"]["rounds"] == 40
    assert diagnosis["verdict"] == "leak", json.dumps(diagnosis, indent=1)
    finding = diagnosis["findings"][0]
    assert finding["holder"]["name"] == "__main__.kept"
    assert finding["growth"]["per_round"] == pytest.approx(3, abs=0.01)
    assert 50 < finding["growth"]["bytes_per_round"] < 1500


@pytest.mark.parametrize("how", ["clean", "fills"])
def test_what_does_not_grow_with_rounds_is_silent(imports, python, how):
    diagnosis = runs(imports, MARKS, how, "60").diagnosis()
    assert diagnosis["observed"]["rounds"] == 60
    assert diagnosis["verdict"] == "no-leak", json.dumps(diagnosis, indent=1)
    assert diagnosis["findings"] == []


def test_words(imports):
    said = runs(imports, MARKS, "leaks", "40", options=()).stderr
    assert "+3 entries, " in said and " per round" in said
    assert ", 40 rounds" in said


def test_quick_rounds_are_all_counted_and_looked_at(imports):
    diagnosis = runs(imports, MARKS, "leaks", "30000").diagnosis()
    assert diagnosis["observed"]["rounds"] == 30000
    assert diagnosis["verdict"] == "leak", json.dumps(diagnosis, indent=1)
    assert diagnosis["observed"]["snapshots"] <= 40


def test_marks_count_for_nobody_without_run(imports):
    done = imports.execute([EXE.parent / "python3", imports.script(MARKS), "leaks", "40"])
    assert (done.status, done.stdout, done.stderr) == (0, "", "")


def test_marks_where_no_core_fits_do_nothing(imports, monkeypatch):
    """An interpreter heaplens has no build for runs the program all the same."""
    text = ("import sys\nsys.modules['heaplens._inside'] = None\n"
            "import heaplens, heaplens._core\nheaplens._core._from_cores = lambda: None\n"
            "heaplens.mark()\nwith heaplens.round(): pass\nprint('done')\n")
    done = imports.execute([EXE.parent / "python3", imports.script(text)])
    assert (done.status, done.stdout, done.stderr) == (0, "done\n", "")


def test_rounds_of_a_forked_child_are_its_own(imports):
    text = MARKS + ("import os\npid = os.fork()\n"
                    "if pid == 0:\n"
                    "    for i in range(1000): heaplens.mark()\n"
                    "    os._exit(0)\n"
                    "os.waitpid(pid, 0)\n")
    assert runs(imports, text, "clean", "20").diagnosis()["observed"]["rounds"] == 20


def test_threads_mark(imports):
    text = ("import heaplens, threading\n"
            "def work():\n"
            "    for i in range(5000): heaplens.mark()\n"
            "threads = [threading.Thread(target=work) for _ in range(4)]\n"
            "[t.start() for t in threads]; [t.join() for t in threads]\n")
    assert runs(imports, text).diagnosis()["observed"]["rounds"] == 20000


def test_marks_change_nothing_the_program_can_see(imports, python):
    text = ("import heaplens, sys, threading\n"
            "for i in range(50): heaplens.mark()\n"
            "print(threading.active_count(), sys.argv, sys.gettrace(), sys.getprofile())\n"
            "sys.exit(7)\n")
    assert imports.same(imports.script(text), "x").status == 7


def test_mark_at_exit_and_without_main_thread(imports, python):
    """The farewell may have begun, or the mark comes from a daemon thread that outlives it."""
    text = ("import heaplens, atexit, threading, time\n"
            "atexit.register(lambda: [heaplens.mark() for _ in range(100)])\n"
            "def ever():\n"
            "    while True: heaplens.mark()\n"
            "threading.Thread(target=ever, daemon=True).start()\n"
            "time.sleep(0.2)\n"
            "print('bye')\n")
    done = runs(imports, text)
    assert done.stdout == "bye\n"
    assert done.diagnosis()["observed"]["rounds"] > 100


def minor(python: str) -> int:
    done = subprocess.run([python, "-c", "import sys; print(sys.version_info[1])"], text=True,
                          capture_output=True, check=True, env=environment())
    return int(done.stdout)


def test_returns_of_a_function_are_rounds(bench, python):
    if minor(python) < 12:
        done = bench.watched(bench.script(NAMED), "leaks", "40", options=("--rounds", "works"))
        assert done.status == 3
        assert "--rounds needs CPython 3.12 or later" in done.stderr
        assert "heaplens.mark()" in done.stderr
        assert not bench.file.exists()
        return
    for name in ("works", "App.handle", "__main__:App.handle"):
        diagnosis = runs(bench, NAMED, "leaks", "40",
                         options=("--json", "--rounds", name)).diagnosis()
        assert diagnosis["observed"]["rounds"] == 40
        assert diagnosis["verdict"] == "leak", json.dumps(diagnosis, indent=1)
        assert diagnosis["findings"][0]["growth"]["per_round"] == pytest.approx(3, abs=0.01)
    diagnosis = runs(bench, NAMED, "clean", "40",
                     options=("--json", "--rounds", "works")).diagnosis()
    assert (diagnosis["verdict"], diagnosis["observed"]["rounds"]) == ("no-leak", 40)


def test_rounds_of_another_module_and_of_none(bench, python):
    if minor(python) < 12:
        pytest.skip("no sys.monitoring")
    bench.script("def serve(): pass\n", "shop.py")
    text = "import shop\ndef serve(): pass\nfor i in range(30): shop.serve(); serve(); serve()\n"
    for name, rounds in (("shop:serve", 30), ("serve", 60)):
        diagnosis = runs(bench, text, options=("--json", "--rounds", name)).diagnosis()
        assert diagnosis["observed"]["rounds"] == rounds
    said = runs(bench, text, options=("--rounds", "shop:nowhere")).stderr
    assert "no function shop:nowhere returned" in said


def test_a_function_as_round_changes_nothing_the_program_can_see(bench, python):
    if minor(python) < 12:
        pytest.skip("no sys.monitoring")
    text = NAMED + "print(sys.gettrace(), sys.getprofile(), sys.monitoring.get_tool(0))\nsys.exit(4)\n"
    script = bench.script(text)
    alone = bench.alone(script, "clean", "40")
    watched = bench.watched(script, "clean", "40", options=("-q", "--rounds", "works"))
    assert watched.plain() == alone.plain()


@pytest.mark.parametrize("name", ["", "a b", "a:b:c", ":f", "m:", "f()"])
def test_rounds_that_name_no_function_are_usage(bench, name):
    done = bench.watched("-c", "pass", options=("--rounds", name))
    assert done.status == 2
    assert "--rounds takes FUNCTION or MODULE:FUNCTION" in done.stderr
