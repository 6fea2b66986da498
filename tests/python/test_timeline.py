"""`heaplens timeline -o`: the picture shows what the series say; what is not drawn has a sentence."""

import json
import os
import random
import re
import shutil
import stat
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

EXE = os.environ.get("HEAPLENS_EXE", "heaplens")
SVG = "{http://www.w3.org/2000/svg}"

try:
    import matplotlib  # noqa: F401

    DRAWS = True
except ImportError:
    DRAWS = False
draws = pytest.mark.skipif(not DRAWS, reason="this interpreter has no matplotlib to draw with")


def run(*words, cwd, **more):
    return subprocess.run([EXE, *map(str, words)], capture_output=True, cwd=cwd, **more)


@pytest.fixture
def samples(tmp_path):
    """What mprof writes of a program that grows, with a child and calls of functions."""
    noise = random.Random(7)
    lines = ["CMDLINE python app.py $x$ _y"]
    for i in range(60):
        lines.append(f"MEM {20 + 2 * i + noise.random():.6f} {5000 + i / 10:.4f}")
        lines.append(f"CHLD 4711 {8 + noise.random():.6f} {5000.05 + i / 10:.4f}")
    lines.append("FUNC __main__.load 40.0 5001.0 80.0 5003.0 0")
    lines.append("FUNC _hidden$a$ 60.0 5002.0 70.0 5002.5 1")
    (tmp_path / "mprofile_1.dat").write_text("\n".join(lines) + "\n")
    alone = [line for line in lines if not line.startswith("CHLD")]
    (tmp_path / "mprofile_2.dat").write_text("\n".join(alone) + "\n")
    return tmp_path


def words_of(svg):
    return ["".join(text.itertext()).strip() for text in svg.iter(SVG + "text")]


def points_of(svg, gid):
    [group] = [g for g in svg.iter(SVG + "g") if g.get("id") == gid]
    numbers = re.findall(r"[ML] (-?[0-9.]+) (-?[0-9.]+)", group.find(SVG + "path").get("d"))
    return [(float(x), float(y)) for x, y in numbers]


def is_straight(pairs):
    """Is there one scale and one origin for all pairs?"""
    (a, x), (b, y) = min(pairs), max(pairs)
    scale = (y - x) / (b - a)
    return all(abs(x + (value - a) * scale - drawn) < 0.1 for value, drawn in pairs)


@draws
def test_the_curve_is_where_the_series_say(samples):
    done = run("timeline", "mprofile_2.dat", "-o", "x.svg", cwd=samples)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    svg = ElementTree.parse(samples / "x.svg").getroot()
    told = json.loads(run("timeline", "mprofile_2.dat", "--json", cwd=samples).stdout)
    [process] = told["processes"]
    [curve] = process["curves"]
    drawn = points_of(svg, "rss-0")
    assert len(drawn) == len(process["seconds"]) == 60
    assert is_straight(list(zip(process["seconds"], [x for x, _ in drawn])))
    assert is_straight(list(zip(curve["bytes"], [y for _, y in drawn])))
    words = words_of(svg)
    assert "memory, MB" in words and "seconds since it began" in words
    assert any(w.startswith("resident memory (RSS)") and "MB/s ±" in w for w in words)
    assert any("least squares over" in w for w in words)
    assert any(w.startswith("__main__.load, +41.9 MB") for w in words)
    assert any(w.startswith("_hidden$a$, +10.5 MB") for w in words)  # no formula, and not left out
    assert any("app.py $x$ _y" in w for w in words)


@draws
def test_children_are_lines_of_their_own(samples):
    assert run("timeline", "mprofile_1.dat", "-o", "x.svg", cwd=samples).returncode == 0
    svg = ElementTree.parse(samples / "x.svg").getroot()
    assert any(w.startswith("child 4711") for w in words_of(svg))
    assert len(points_of(svg, "rss-1")) == 60


@draws
def test_a_recording_has_its_looks_and_their_reasons(tmp_path):
    (tmp_path / "app.py").write_text(
        "import time, heaplens\nkept = []\n"
        "for i in range(100):\n    kept.append(bytearray(300_000)); time.sleep(0.03); heaplens.mark()\n"
    )
    done = run("run", "-o", "app.hlens", "--interval", "20", "app.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    done = run("timeline", "app.hlens", "-o", "x.svg", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    [process] = json.loads(run("timeline", "app.hlens", "--json", cwd=tmp_path).stdout)["processes"]
    words = words_of(ElementTree.parse(tmp_path / "x.svg").getroot())
    for reason in set(process["reasons"]):
        assert any(w.startswith(f"look: {reason}") for w in words)
    assert "rounds done" in words and max(process["rounds"]) == 100
    slopes = {c["curve"]: c["slope"] for c in process["curves"]}
    heap = slopes["heap"]
    assert heap["low"] <= heap["bytes_per_second"] <= heap["high"] and heap["low"] > 0


@draws
def test_a_file_is_replaced_when_asked_and_stays_otherwise(samples):
    (samples / "x.png").write_text("mine")
    done = run("timeline", "mprofile_1.dat", "-o", "x.png", cwd=samples)
    assert done.returncode == 2 and b"-f" in done.stderr
    assert (samples / "x.png").read_text() == "mine"
    assert run("timeline", "-f", "mprofile_1.dat", "-o", "x.png", cwd=samples).returncode == 0
    assert (samples / "x.png").read_bytes().startswith(b"\x89PNG")
    assert stat.S_IMODE((samples / "x.png").stat().st_mode) == 0o600
    first = run("timeline", "mprofile_1.dat", "-o", "-", cwd=samples).stdout
    assert first.startswith(b"<?xml") and first == run("timeline", "mprofile_1.dat", "-o", "-", cwd=samples).stdout


@draws
def test_files_of_the_folder_are_not_imported(samples):
    for name in ("json", "matplotlib", "importlib", "io", "textwrap"):
        (samples / f"{name}.py").write_text("raise SystemExit('imported')\n")
    done = run("timeline", "mprofile_1.dat", "-o", "x.svg", cwd=samples)
    assert (done.returncode, done.stderr) == (0, b"")


def test_without_matplotlib_it_says_what_to_install(samples):
    hidden = samples / "hidden" / "matplotlib"
    hidden.mkdir(parents=True)
    (hidden / "__init__.py").write_text(
        "raise ModuleNotFoundError('No module named matplotlib', name='matplotlib')\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(hidden.parent)}
    done = run("timeline", "mprofile_1.dat", "-o", "x.svg", cwd=samples, env=environment)
    assert done.returncode == 3 and not (samples / "x.svg").exists()
    assert b"pip install matplotlib; --json or the table work without it" in done.stderr
    assert run("timeline", "mprofile_1.dat", cwd=samples, env=environment).returncode == 0


@draws
@pytest.mark.skipif(not shutil.which("mprof", path=os.path.dirname(sys.executable)), reason="memory_profiler is not installed")
def test_what_mprof_writes_today(tmp_path):
    (tmp_path / "app.py").write_text(
        "import time\n@profile\ndef load():\n    x = bytearray(9_000_000); time.sleep(.4)\nload()\n"
    )
    mprof = shutil.which("mprof", path=os.path.dirname(sys.executable))
    subprocess.run([mprof, "run", "-o", "m.dat", "app.py"], cwd=tmp_path, check=True, capture_output=True)
    [process] = json.loads(run("timeline", "m.dat", "--json", cwd=tmp_path).stdout)["processes"]
    assert [f["function"] for f in process["functions"]] == ["__main__.load"]
    assert run("timeline", "m.dat", "-o", "x.svg", cwd=tmp_path).returncode == 0
