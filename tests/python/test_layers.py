"""tools/layers.py notices each broken promise, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GOOD = {
    "LAYERS": "base: -\ngraph: base\ninside: base\ncli: base graph\n",
    "base/err.h": "/* base/err.h: words. */\n#include <stdio.h>\n",
    "graph/graph.h": '/* graph/graph.h: a graph. */\n#include "base/err.h"\n',
    "graph/graph.c": '/* graph/graph.c: a graph. */\n#include "graph/graph.h"\n'
    '/* printf("x") in words is fine, and so is */ const char *s = "stdout";\n'
    "void f(void) { fprintf(stderr, s); snprintf(b, 3, s); x->exit(3); }\n",
    "inside/walk.c": "/* inside/walk.c: walks. */\n#include <Python.h>\n",
    "cli/main.c": '/* cli/main.c: the program. */\n#include "graph/graph.h"\n'
    "void g(void) { printf(s); exit(1); }\n",
}


def layers(folder: Path, files: dict[str, str]) -> tuple[int, str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    done = subprocess.run(
        [sys.executable, ROOT / "tools" / "layers.py", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_good_tree(tmp_path):
    code, said = layers(tmp_path, GOOD)
    assert code == 0, said
    assert "0 problems" in said


def test_the_tree_itself():
    done = subprocess.run([sys.executable, ROOT / "tools" / "layers.py"], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("base/bad.c", '/* base/bad.c: x */\n#include "graph/graph.h"\n', "may not know graph"),
        ("base/bad.h", '/* base/bad.h: x */\n\n#include "graph/graph.h"\n', "bad.h:3: base may"),
        ("graph/bad.c", "/* graph/bad.c: x */\n#include <Python.h>\n", "belongs to src/inside"),
        ("graph/bad.c", "/* graph/bad.c: x */\nvoid f(void) { exit(1); }\n", ":2: exit belongs"),
        ("graph/bad.c", "/* graph/bad.c: x */\nint *f = &stdout;\n", "stdout belongs"),
        ("graph/bad.c", '/* graph/bad.c: x */\n#include "gone.h"\n', "gone.h is not in"),
        ("graph/bad.c", '/* graph/bad.c: x */\n#include "base/gone.h"\n', "does not exist"),
        ("graph/bad.c", "int x;\n", "should open with"),
        ("graph/err.h", "/* graph/err.h: x */\n", "the name is taken by"),
        ("attic/old.c", "/* attic/old.c: x */\n", "room attic has no line"),
        ("LAYERS", "base: graph\ngraph: base\ninside: -\ncli: graph\n", "a circle: base -> graph"),
        ("LAYERS", "base: moon\n", "knows|may know moon, which is no room"),
    ],
)
def test_a_broken_promise(tmp_path, name, text, said):
    code, printed = layers(tmp_path, {**GOOD, name: text})
    assert code == 1
    assert any(part in printed for part in said.split("|")), printed
