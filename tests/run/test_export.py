"""`heaplens export`: what other tools read is what the recording says."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import pathlib
import re
import shutil
import subprocess
import textwrap
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, QUIET

if TYPE_CHECKING:
    from conftest import Bench

pytestmark = pytest.mark.one_interpreter

PROGRAM = textwrap.dedent(
    """
    import threading

    KEPT = []

    def make(size):
        return bytearray(size)

    def fill(size):
        for _ in range(100):
            KEPT.append(make(size))
            make(size)

    peak = bytearray(3_000_000)
    del peak
    fill(2000)
    worker = threading.Thread(target=fill, args=(1000,), name='a "worker", one; two')
    worker.start()
    worker.join()
    """
)
MEASURES = ("live", "peak", "total", "temporary")


@pytest.fixture
def recorded(bench: Bench, python: str) -> pathlib.Path:
    bench.script(PROGRAM)
    got = bench.watched("app.py", options=(*QUIET, "--exact"))
    assert got.status == 0, got.stderr
    file: pathlib.Path = bench.file
    return file


def export(bench: Bench, form: str, *words: Any, status: int = 0) -> bytes:
    out = bench.folder / f"out.{form}"
    got = bench.execute([EXE, "export", "--format", form, "-f", "-o", out, *words])
    assert got.status == status, got.stderr
    return out.read_bytes() if not status else got.stderr.encode()


def rows_of(bench: Bench, *words: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(export(bench, "csv", *words).decode(), newline="")))


def total(rows: list[dict[str, str]], key: str) -> int:
    return sum(int(row[key]) for row in rows)


# ---- the same numbers in each -------------------------------------------------------------------


def test_csv_json_and_collapsed_agree(bench: Bench, recorded: pathlib.Path) -> None:
    rows = rows_of(bench, recorded)
    made = [row for row in rows if row["function"] == "make"]
    assert total(made, "live_blocks") == 400 and total(made, "total_blocks") >= 800
    assert 300_000 <= total(made, "live_bytes") <= 330_000
    assert total(made, "temporary_blocks") >= 200  # and arguments
    assert {row["thread"] for row in made} == {"MainThread", ""}  # the other one is gone
    answer = json.loads(export(bench, "json", recorded))
    assert answer["schema"] == "heaplens.allocations/1" and answer["mode"] == "exact"
    assert all(stack["caller"] < i or not i for i, stack in enumerate(answer["stacks"]))
    for measure in MEASURES:
        key = f"{measure}_bytes"
        assert sum(site[key] for site in answer["sites"]) == total(rows, key)
        lines = export(bench, "collapsed", recorded, f"--{measure}").decode().splitlines()
        assert sum(int(line.rsplit(" ", 1)[1]) for line in lines) == total(rows, key), measure
    assert total(rows, "peak_bytes") > 3_000_000
    of_make = [line for line in lines if ";make (app.py:" in line]
    assert of_make and all(re.match(r".*fill \(app.py:1[23]\);make \(app.py:7\) \d+$", x) for x in of_make)


def test_the_sum_is_that_of_show(bench: Bench, recorded: pathlib.Path) -> None:
    rows = rows_of(bench, recorded)
    shown = bench.execute([EXE, "show", recorded, "--view", "allocs", "--json", "--top", "100000"])
    lines = json.loads(shown.stdout)["rows"]
    assert sum(line["live_bytes"] for line in lines) == total(rows, "live_bytes")


def test_several_files_are_added_up(bench: Bench, recorded: pathlib.Path) -> None:
    one = rows_of(bench, recorded)
    copy = bench.folder / "copy.hlens"
    shutil.copy(recorded, copy)
    two = rows_of(bench, recorded, copy)
    stacks = {row["stack"] for row in one}
    assert {row["stack"] for row in two} == stacks
    for measure in MEASURES:
        assert total(two, f"{measure}_bytes") == 2 * total(one, f"{measure}_bytes")


def test_samples_are_estimates(bench: Bench, python: str) -> None:
    bench.script("kept = [bytearray(3000) for _ in range(10000)]\n")
    bench.watched("app.py", options=(*QUIET, "--sample", "16K"))
    rows = rows_of(bench, bench.file)
    assert 25e6 < total(rows, "live_bytes") < 35e6
    assert 25e6 < total(rows, "peak_bytes") < 35e6
    assert any(int(row["live_bytes_error"]) > 0 for row in rows)
    answer = json.loads(export(bench, "json", bench.file))
    assert answer["mode"] == "sampled" and answer["rate"] == 16384
    for measure in MEASURES:
        export(bench, "pprof", bench.file, f"--{measure}")


# ---- pprof --------------------------------------------------------------------------------------


def varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data: bytes) -> dict[int, list[Any]]:
    """A message by its field numbers, read by the rules of the wire and nothing of ours."""
    got: dict[int, list[Any]] = {}
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        value: Any
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2
            size, at = varint(data, at)
            value = data[at : at + size]
            at += size
        got.setdefault(key >> 3, []).append(value)
    return got


def packed(data: bytes) -> list[int]:
    values, at = [], 0
    while at < len(data):
        value, at = varint(data, at)
        values.append(value)
    return values


def one(message: dict[int, list[Any]], number: int) -> int:
    value = message.get(number, [0])[0]
    assert isinstance(value, int)
    return value


@pytest.mark.parametrize(
    ("measure", "columns", "default"),
    [
        ("live", ("total", "live"), "inuse_space"),
        ("peak", ("total", "peak"), "inuse_space"),
        ("total", ("total", "live"), "alloc_space"),
        ("temporary", ("temporary", "live"), "alloc_space"),
    ],
)
def test_pprof_is_as_go_writes_its_heap(
    bench: Bench, recorded: pathlib.Path, measure: str, columns: tuple[str, str], default: str
) -> None:
    rows = rows_of(bench, recorded)
    profile = fields(gzip.decompress(export(bench, "pprof", recorded, f"--{measure}")))
    texts = [text.decode() for text in profile[6]]
    assert texts[0] == "" and len(set(texts)) == len(texts)

    def value_type(data: bytes) -> tuple[str, str]:
        message = fields(data)
        return texts[one(message, 1)], texts[one(message, 2)]

    assert [value_type(x) for x in profile[1]] == [
        ("alloc_objects", "count"),
        ("alloc_space", "bytes"),
        ("inuse_objects", "count"),
        ("inuse_space", "bytes"),
    ]
    assert value_type(profile[11][0]) == ("space", "bytes") and one(profile, 12) == 1
    assert texts[one(profile, 14)] == default
    assert 7 not in profile and 8 not in profile  # nothing is to be dropped
    mapping = fields(profile[3][0])
    assert len(profile[3]) == 1 and texts[one(mapping, 5)] == "app.py"
    assert one(mapping, 7) == one(mapping, 8) == one(mapping, 9) == 1
    functions = {one(f, 1): f for f in map(fields, profile[5])}
    locations = {one(x, 1): x for x in map(fields, profile[4])}
    assert 0 not in functions and 0 not in locations

    def place(location: int) -> tuple[str, str, int]:
        assert one(locations[location], 2) == 1
        (line,) = locations[location][4]
        function = functions[one(fields(line), 1)]
        return texts[one(function, 2)], texts[one(function, 4)], one(fields(line), 2)

    sums = [0, 0, 0, 0]
    stacks = set()
    for sample in map(fields, profile[2]):
        values = packed(sample[2][0])
        sums = [a + b for a, b in zip(sums, values)]
        stack = [place(x) for x in packed(sample[1][0])] if 1 in sample else []
        stacks.add(tuple(stack))
    alloc, inuse = columns
    assert sums == [
        total(rows, f"{alloc}_blocks"),
        total(rows, f"{alloc}_bytes"),
        total(rows, f"{inuse}_blocks"),
        total(rows, f"{inuse}_bytes"),
    ]
    innermost = [stack for stack in stacks if stack and stack[0][0] == "make"]
    assert innermost and all(stack[1][0] == "fill" and stack[0][2] == 7 for stack in innermost)


def pprof_tool() -> str:
    """The tool itself: one that is installed, or built by Go from its module."""
    found = os.environ.get("PPROF") or shutil.which("pprof")
    if found:
        return found
    go = shutil.which("go")
    if not go:
        pytest.skip("pprof is not installed, and there is no Go to build it with")
    place = pathlib.Path(__file__).parents[2] / "build" / "go"
    if not (place / "pprof").exists():
        module = "github.com/google/pprof@v0.0.0-20261105003125-4bf881d7fb0b"
        done = subprocess.run(
            [go, "install", module],
            env={**os.environ, "GOBIN": str(place)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            pytest.skip(f"pprof could not be built: {done.stderr.strip()[-200:]}")
    return str(place / "pprof")


@pytest.mark.parametrize("index", ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"])
def test_the_real_pprof_tells_the_same(bench: Bench, recorded: pathlib.Path, index: str) -> None:
    tool = pprof_tool()
    rows = rows_of(bench, recorded)
    export(bench, "pprof", recorded)
    key = {"alloc": "total", "inuse": "live"}[index[:5]] + (
        "_bytes" if index.endswith("space") else "_blocks"
    )
    words = [tool, f"-sample_index={index}", "-unit=byte", "-nodefraction=0", "-top"]
    done = subprocess.run(
        [*words, "-nodecount=10000", str(bench.folder / "out.pprof")],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "HOME": str(bench.folder)},
    )
    assert done.returncode == 0, done.stderr
    assert f"Type: {index}" in done.stdout
    sum_of = re.search(r"of (\d+)(?:B|byte)? total", done.stdout)
    assert sum_of and int(sum_of[1]) == total(rows, key), done.stdout[:600]
    line = next(x for x in done.stdout.splitlines() if x.split()[-1] == "make")
    of_make = total([row for row in rows if row["function"] == "make"], key)
    assert int(line.split()[0].rstrip("Bbyte")) == of_make


# ---- speedscope ---------------------------------------------------------------------------------


def speedscope_schema() -> dict[str, Any]:
    """The schema that the package on npm publishes."""
    place = pathlib.Path(__file__).parents[2] / "build" / "speedscope"
    schema = place / "package" / "dist" / "release" / "file-format-schema.json"
    npm = shutil.which("npm")
    if not schema.exists():
        if not npm:
            pytest.skip("there is no npm to get speedscope's schema with")
        place.mkdir(parents=True, exist_ok=True)
        done = subprocess.run(
            [npm, "pack", "--silent", "speedscope@1.25.0"],
            cwd=place,
            capture_output=True,
            text=True,
            timeout=300,
        )
        if done.returncode:
            pytest.skip(f"speedscope could not be had: {done.stderr.strip()[-200:]}")
        shutil.unpack_archive(place / done.stdout.split()[-1], place)
    got: dict[str, Any] = json.loads(schema.read_text())
    return got


@pytest.mark.parametrize("measure", MEASURES)
def test_speedscope_fits_its_schema(bench: Bench, recorded: pathlib.Path, measure: str) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    answer = json.loads(export(bench, "speedscope", recorded, f"--{measure}"))
    rows = rows_of(bench, recorded)
    jsonschema.validate(answer, speedscope_schema())
    for profile, unit in zip(answer["profiles"], ("bytes", "blocks")):
        assert len(profile["samples"]) == len(profile["weights"])
        assert sum(profile["weights"]) == profile["endValue"] == total(rows, f"{measure}_{unit}")
        frames = answer["shared"]["frames"]
        ends = [[frames[i]["name"] for i in stack[-2:]] for stack in profile["samples"]]
        # at the high-water mark it had not begun
        assert (["fill", "make"] in ends) == (measure != "peak")


# ---- what may go wrong --------------------------------------------------------------------------


def test_where_nothing_was_followed(bench: Bench, python: str) -> None:
    bench.script("kept = []\n")
    bench.watched("app.py", options=(*QUIET, "--no-track"))
    said = export(bench, "pprof", bench.file, status=5)
    assert b"heaplens run --exact" in said
    assert not (bench.folder / "out.pprof").exists()


def test_files_are_written_whole_or_not_at_all(bench: Bench, recorded: pathlib.Path) -> None:
    out = bench.folder / "there.csv"
    out.write_text("mine")
    words = [EXE, "export", recorded, "--format", "csv", "-o"]
    got = bench.execute([*words, out])
    assert got.status == 2 and "exists already" in got.stderr and out.read_text() == "mine"
    assert bench.execute([*words, out, "-f"]).status == 0 and out.read_text().startswith("file,")
    assert out.stat().st_mode & 0o777 == 0o600
    text = out.read_text()
    assert bench.execute([*words, "-"]).stdout == text
    got = bench.execute([*words, "/dev/full"])
    assert got.status == 4 and "No space left" in got.stderr
    got = bench.execute([*words, bench.folder])
    assert got.status == 2 and "is a folder" in got.stderr
    got = bench.execute([*words, bench.folder / "not" / "there.csv"])
    assert got.status == 3 and "cannot create" in got.stderr
    # no room for the new one: the old one stays
    limited = f"ulimit -f 4; trap '' XFSZ; exec {EXE} export {recorded} --format csv -f -o {out}"
    got = bench.execute(["sh", "-c", limited])
    assert got.status != 0 and out.read_text() == text
    assert [path.name for path in bench.folder.glob("*.new-*")] == []


# ---- timeline -----------------------------------------------------------------------------------


def test_timeline(bench: Bench, recorded: pathlib.Path) -> None:
    got = bench.execute([EXE, "timeline", recorded, "--json"])
    [process] = json.loads(got.stdout)["processes"]
    curves = {curve["curve"]: curve["bytes"] for curve in process["curves"]}
    rows = rows_of(bench, recorded)
    assert curves["tracked"][-1] == total(rows, "live_bytes")
    assert curves["total"][-1] == total(rows, "total_bytes")
    assert sum(curves[name][-1] for name in ("raw", "mem", "obj")) == curves["tracked"][-1]
    assert curves["peak"][-1] >= 3_000_000
    assert {len(values) for values in curves.values()} == {len(process["seconds"])}
    assert process["seconds"] == sorted(process["seconds"])
    types = bench.execute([EXE, "show", recorded, "--json", "--top", "100000"])
    assert curves["heap"][-1] == sum(row["bytes"] for row in json.loads(types.stdout)["rows"])
    parts = bench.execute([EXE, "show", recorded, "--view", "rss", "--json"])
    by_part = {row["part"]: row["bytes"] for row in json.loads(parts.stdout)["rows"]}
    assert curves["rss"][-1] == by_part["rss"]
    assert curves["private"][-1] == by_part["rss"] - by_part["mapped"]
    # what of the arenas holds blocks, and what of the process is in them at all
    in_arenas = ("small_objects", "small_other", "arena_free_blocks", "arena_free_pools")
    assert curves["arenas"][-1] == sum(by_part.get(part, 0) for part in in_arenas)
    assert 0 < curves["arenas_used"][-1] <= curves["arenas"][-1] < curves["private"][-1]
