"""`heaplens lines`: tables of chosen functions, words and exit statuses for what is not there."""

import json
import os
import subprocess
import textwrap

import pytest

HEAPLENS = os.environ.get("HEAPLENS_EXE", "heaplens")

PROGRAM = """
    import sys
    kept = []
    class Holder:
        def method(self, n):
            return bytearray(n)
    def work(n):
        for i in range(n):
            kept.append(bytearray(1000))
        return len(kept)
    def never(): pass
    work(10); work(20)
    Holder().method(5000)
    print("its own", sys.argv[1:], __name__)
    if sys.argv[1:2] == ["raise"]:
        work(1); 1 / 0
    sys.exit(int(sys.argv[1]) if sys.argv[1:] else 0)
"""


@pytest.fixture
def lines(tmp_path):
    (tmp_path / "app.py").write_text(textwrap.dedent(PROGRAM).lstrip())
    marked = textwrap.dedent(PROGRAM).lstrip().replace("def work", "@profile\ndef work")
    (tmp_path / "marked.py").write_text(marked)

    def call(*words):
        return subprocess.run(
            [HEAPLENS, "lines", *words], capture_output=True, text=True, cwd=tmp_path
        )

    return call


def test_named_functions_in_numbers(lines, tmp_path):
    done = lines(
        "--json", "-o", "x.json", "--function", "work", "--function", "Holder.method", "app.py", "7"
    )
    assert (done.returncode, done.stdout) == (7, "its own ['7'] __main__\n")
    seen = json.loads((tmp_path / "x.json").read_text())
    assert seen["schema"] == "heaplens.lines/1"
    functions = {f["function"].split(".")[-1]: f for f in seen["functions"]}
    rows = {row["text"].strip(): row for row in functions["work"]["lines"]}
    assert functions["work"]["calls"] == 2
    appended = rows["kept.append(bytearray(1000))"]
    assert appended["occurrences"] == 30 and appended["net_bytes"] > 30_000
    assert functions["work"]["net_bytes"] == sum(r["net_bytes"] for r in rows.values())
    assert functions["method"]["net_bytes"] > 5000


def test_marked_functions_as_a_table(lines):
    done = lines("marked.py")
    assert (done.returncode, done.stdout) == (0, "its own [] __main__\n")
    assert "marked.py: work, 2 calls, +" in done.stderr
    row = next(r for r in done.stderr.splitlines() if r.endswith("kept.append(bytearray(1000))"))
    assert row.split()[3] == "30"
    assert "has from malloc itself is in the resident columns alone" in done.stderr


def test_a_module_is_run_and_told(lines):
    for words in (["--function", "work", "-m", "app"], ["-m", "marked"]):
        done = lines(*words)
        assert done.returncode == 0 and "work, 2 calls, +" in done.stderr, done.stderr
        assert done.stdout == "its own [] __main__\n"


def test_the_programs_own_end(lines):
    done = lines("--function", "work", "app.py", "raise")
    assert done.returncode == 1 and "work, 3 calls" in done.stderr
    trace = done.stderr[: done.stderr.index("ZeroDivisionError")]
    assert trace.count("File ") == 1 and "app.py" in trace


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--function", "wrok", "app.py"], 2, "no function wrok: did you mean work?"),
        (["--function", "nonesuch:f", "app.py"], 2, "No module named 'nonesuch'"),
        (["--function", "json:nope", "app.py"], 2, "no attribute 'nope'"),
        (["--function", "sys:exit", "app.py"], 2, "no function written in Python"),
        (["--function", "never", "app.py"], 5, "never: never called"),
        (["app.py"], 5, "no function was chosen"),
        (["nowhere.py"], 2, "cannot run nowhere.py: No such file or directory"),
        (["-m", "nonesuch"], 2, "no module nonesuch to run"),
        (["-o", "app.py", "marked.py"], 2, "app.py is there already"),
        ([], 2, "name a script"),
    ],
)
def test_words_for_what_is_not_there(lines, words, status, says):
    done = lines(*words)
    assert done.returncode == status and says in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
