"""The first program everybody writes with each of the three tools: only the import is another, and it tells
what it should. Where the original is installed its output is held beside ours."""

import importlib.util
import os
import re
import stat
import subprocess
import sys
import textwrap

import pytest

PROGRAMS = {
    "tracemalloc": """
        import time
        IMPORT

        tracemalloc.start()

        kept = []
        for number in range(300):
            kept.append(bytearray(20_000))
        time.sleep(0.01)

        snapshot = tracemalloc.take_snapshot()
        statistics = snapshot.statistics('lineno')

        for row in statistics[:10]:
            print(row)
    """,
    "objgraph": """
        IMPORT

        class Parent:
            pass

        class Child:
            pass

        parent, child = Parent(), Child()
        parent.child = child
        child.parent = parent
        objgraph.show_refs(parent, filename='refs.png')
        objgraph.show_backrefs([child], filename='backrefs.png', max_depth=2)
        print(objgraph.count('Child'))
    """,
    "memory_profiler": """
        IMPORT

        @profile
        def build():
            large = [number for number in range(200_000)]
            more = len(large)
            return more

        build()
    """,
}
WHAT = {"tracemalloc": "import tracemalloc", "objgraph": "import objgraph", "memory_profiler": "from memory_profiler import profile"}


def ours(line):
    """The import, and nothing but the import, changed."""
    plain = re.fullmatch(r"import (\w+)", line)
    return f"from heaplens.compat import {plain[1]}" if plain else line.replace("from ", "from heaplens.compat.")


def has(name):
    return importlib.util.find_spec(name) is not None


def beside(name):
    """With the original, too, where there is one."""
    return pytest.mark.skipif(not has(name), reason=f"the original {name} is not installed in this interpreter")


@pytest.fixture
def program(tmp_path):
    """Runs the program of a tool with one of the imports; a `dot` that keeps what it is to draw."""
    bins = tmp_path / "bin"
    bins.mkdir()
    dot = bins / "dot"
    dot.write_text(
        f"#!{sys.executable}\n"
        "import sys\n"
        "words = sys.argv[1:]\n"
        "out = source = None\n"
        "while words:\n"
        "    word = words.pop(0)\n"
        "    if word == '-o': out = words.pop(0)\n"
        "    elif word.startswith('-o'): out = word[2:]\n"
        "    elif not word.startswith('-'): source = word\n"
        "text = open(source).read() if source else sys.stdin.read()\n"
        "picture = '\\x89PNG ' + text\n"
        "open(out, 'w', encoding='latin-1').write(picture) if out else sys.stdout.write(picture)\n"
    )
    dot.chmod(dot.stat().st_mode | stat.S_IXUSR)
    environment = {**os.environ, "PATH": f"{bins}{os.pathsep}{os.environ['PATH']}"}

    def run(tool, line, *words):
        text = textwrap.dedent(PROGRAMS[tool]).lstrip().replace("IMPORT", line)
        (tmp_path / "app.py").write_text(text)
        done = subprocess.run(
            [sys.executable, *words, "app.py"], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    run.folder = tmp_path
    return run


# ---- tracemalloc --------------------------------------------------------------------------------

ROW = re.compile(r"(.+):(\d+): size=([\d.]+) (B|KiB|MiB), count=(\d+), average=([\d.]+) (B|KiB|MiB)")


def rows_of(text):
    found = [ROW.fullmatch(line) for line in text.splitlines()]
    assert found and all(found), text
    return [(os.path.basename(r[1]), int(r[2]), float(r[3]), r[4], int(r[5])) for r in found]


def test_tracemalloc_names_the_line(program):
    rows = rows_of(program("tracemalloc", ours(WHAT["tracemalloc"])))
    name, line, size, unit, count = rows[0]
    assert (name, line, unit) == ("app.py", 8, "KiB" if size > 100 else "MiB")
    assert 5_700 < size < 6_200 and 600 <= count <= 605  # an object and its bytes, each; the list


def test_tracemalloc_says_what_the_original_says(program):
    here, there = (rows_of(program("tracemalloc", line)) for line in (ours(WHAT["tracemalloc"]), WHAT["tracemalloc"]))
    assert here[0][:2] == there[0][:2] and here[0][3] == there[0][3]
    assert abs(here[0][2] - there[0][2]) < 10 and abs(here[0][4] - there[0][4]) <= 2


# ---- objgraph -----------------------------------------------------------------------------------


def edges_of(folder, picture):
    """Pairs of labels, as far as they are names of types."""
    text = (folder / picture).read_text(encoding="latin-1")
    assert text.startswith("\x89PNG "), "dot was asked for no picture"
    labels = dict(re.findall(r'(\w+)\[[^\]]*?label="(\w+)', text))
    found = re.findall(r"(\w+) -> (\w+)", text)
    return {(labels[a], labels[b]) for a, b in found if a in labels and b in labels}


def test_objgraph_draws_the_cycle(program):
    assert program("objgraph", ours(WHAT["objgraph"])).splitlines()[-1] == "1"
    refs = edges_of(program.folder, "refs.png")
    names = {name for edge in refs for name in edge}
    assert {"Parent", "Child"} <= names
    assert reaches(refs, "Parent", "Child")
    # up to 3.10 there is a dict in each step, and the second one is the last level that is drawn
    assert reaches(refs, "Child", "Parent") if sys.version_info >= (3, 11) else ("Child", "dict") in refs
    assert reaches(edges_of(program.folder, "backrefs.png"), "Parent", "Child")


def reaches(edges, start, end):
    seen, left = set(), [start]
    while left:
        at = left.pop()
        for a, b in edges:
            if a == at and b == end:
                return True
            if a == at and b not in seen:
                seen.add(b)
                left.append(b)
    return False


@beside("objgraph")
def test_objgraph_draws_what_the_original_draws(program):
    drawn = []
    for line in ours(WHAT["objgraph"]), WHAT["objgraph"]:
        program("objgraph", line)
        drawn.append([edges_of(program.folder, name) for name in ("refs.png", "backrefs.png")])
    assert drawn[0] == drawn[1]


# ---- memory_profiler ----------------------------------------------------------------------------

HEAD = "Line #    Mem usage    Increment  Occurrences   Line Contents"
LINE = re.compile(r" *(\d+) +(-?[\d.]+) MiB +(-?[\d.]+) MiB +(\d+)   (.*)")


def table_of(text):
    lines = text.splitlines()
    assert lines[0].startswith("Filename: ") and lines[2] == HEAD, text
    found = [LINE.fullmatch(line) for line in lines[4:]]
    return {int(r[1]): (float(r[2]), float(r[3]), int(r[4]), r[5]) for r in found if r}


# In every way it is started: with the import; as the tool runs a script; the tool bringing its own name.
WAYS = {
    "imported": (True, []),
    "module": (True, ["-m", "heaplens.compat.memory_profiler"]),
    "no import": (False, ["-m", "heaplens.compat.memory_profiler"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_memory_profiler_names_the_line(program, way):
    imported, words = WAYS[way]
    table = table_of(program("memory_profiler", ours(WHAT["memory_profiler"]) if imported else "", *words))
    assert list(table)[:1] == [3] and set(table) >= {3, 5, 6, 7}
    memory, increment, _, text = table[5]
    assert text.strip() == "large = [number for number in range(200_000)]"
    assert 4 < increment < 16 and increment == max(row[1] for line, row in table.items() if line != 3)
    assert memory >= table[3][0] + 4 and table[6][2] == table[7][2] == 1


@beside("memory_profiler")
def test_memory_profiler_prints_what_the_original_prints(program):
    here, there = (table_of(program("memory_profiler", line)) for line in (ours(WHAT["memory_profiler"]), WHAT["memory_profiler"]))
    assert [(line, row[3]) for line, row in here.items()] == [(line, row[3]) for line, row in there.items()]
    assert abs(here[5][1] - there[5][1]) < 2
