"""`heaplens lines`: tables of chosen functions, words and exit statuses for what is not there."""

import json
import os
import pathlib
import subprocess
import sys
import textwrap

import pytest

import heaplens

SCHEMA = pathlib.Path(__file__).parents[2] / "docs" / "schema" / "lines-1.json"
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
    assert row.split()[4] == "30"
    assert "bytes are those of Python objects and of what C code asks" in done.stderr


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


def check(answer):
    """Against the schema, and what it says in words."""
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    schema = json.loads(SCHEMA.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(answer)
    for function in answer["functions"]:
        numbers = [row["line"] for row in function["lines"]]
        assert numbers == sorted(set(numbers))
        assert function["net_bytes"] == sum(row["net_bytes"] for row in function["lines"])
        native = [row["native_bytes"] for row in function["lines"]]
        if answer["native_counted"]:
            assert function["native_bytes"] == sum(native)
        else:
            assert function["native_bytes"] is None and set(native) == {None}


def test_the_json_is_what_its_schema_says(lines, tmp_path):
    for words in (
        ("--function", "work", "--function", "never", "--function", "Holder.method", "app.py"),
        ("marked.py", "raise"),
    ):
        lines("--json", "-f", "-o", "x.json", *words)
        answer = json.loads((tmp_path / "x.json").read_text())
        check(answer)
        assert ("never" in answer["not_called"]) == ("never" in words)


def test_a_schema_that_is_not_kept_is_seen(lines, tmp_path):
    jsonschema = pytest.importorskip("jsonschema", reason="pip install jsonschema")
    lines("--json", "-o", "x.json", "--function", "work", "app.py")
    answer = json.loads((tmp_path / "x.json").read_text())
    for spoil in (
        lambda a: a.update(more=1),
        lambda a: a["functions"][0].pop("calls"),
        lambda a: a["functions"][0]["lines"][0].update(peak_bytes=-1),
    ):
        other = json.loads(json.dumps(answer))
        spoil(other)
        with pytest.raises(jsonschema.ValidationError):
            check(other)


# ---- heaplens.lines ------------------------------------------------------------------------------


def grows(held, n):
    for i in range(n):
        held.append(bytearray(1000 + i))
    return n


def test_a_block_tells_the_lines_of_chosen_functions():
    held = []
    with heaplens.lines(grows) as table:
        grows(held, 20)
    grows(held, 5)  # after the block: not told
    (function,) = table.functions
    rows = {line.line - grows.__code__.co_firstlineno: line for line in function.lines}
    each = sys.getsizeof(bytearray(1000)) - 1000
    assert rows[2].occurrences == 20
    assert rows[2].net_bytes >= sum(each + 1000 + i for i in range(20))
    assert function.calls == 1
    check(table.data)
    assert "held.append(bytearray(1000 + i))" in str(table) and "1 call," in str(table)


def test_a_decorated_function_is_told_whenever_it_is_called():
    @heaplens.lines()
    def kept(n):
        return bytearray(n)

    held = [kept(100), kept(200)]
    (function,) = kept.lines.functions
    assert function.calls == 2 and kept.__name__ == "kept"
    each = sys.getsizeof(bytearray(100)) - 100
    assert sum(line.net_bytes for line in function.lines) == 2 * each + 300
    del held


def test_what_has_no_lines_is_refused():
    with pytest.raises(TypeError, match="Python functions"):
        heaplens.lines(len)
    with pytest.raises(TypeError, match="after its call"):

        @heaplens.lines()
        def numbers():
            yield 1
