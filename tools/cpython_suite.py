#!/usr/bin/env python3
"""CPython's own test suite, plainly and under `heaplens run`: each test must end the same.

    tools/cpython_suite.py [--python PYTHON]... [--with=OPTION]... [--skip TEST]...
                           [--ignore PATTERN]... [--keep FOLDER] [TEST]...

Runs `-m test` in one process, once plainly and then once watched, on each PYTHON (default:
python3), with all test files but those to skip, or with those named, without the tests to ignore:
what hangs plainly where you are has to be left out. --with=--exact gives options to `heaplens run`.
Not both at once: tests share ports and the
user's own site-packages. Where a test ended otherwise its file is run again alone, up to AGAIN
times in each way: if the test then ends once plainly as it did once watched, the difference was
chance, and is said to be. A run that breaks off, because a test hung for longer than it may, goes
on from the file it broke off in. Exit status 1 where one always differs, or a run did not come to
its end, or fewer than LOOKS snapshots were taken.

HEAPLENS_EXE    the executable (default: .venv/bin/heaplens of this checkout)

An hour or more for each interpreter. The distribution has the tests in a package of their own
(libpython3-testsuite), pyenv's interpreters bring them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path

import outcomes

ROOT = Path(__file__).resolve().parents[1]
EXE = os.environ.get("HEAPLENS_EXE") or str(ROOT / ".venv/bin/heaplens")
AGAIN, LOOKS, SECONDS_A_FILE = 3, 3, 900
OPTIONS: list[str] = []  # of `heaplens run`
CASE = re.compile(
    r"^\S+ \((?P<id>[\w.]+)\)(?:\n[^\n]*)? \.\.\. (?P<how>ok|FAIL|ERROR|skipped)\b", re.MULTILINE
)
ENDED = {"ok": "passed", "FAIL": "failure", "ERROR": "error", "skipped": "skipped"}


class Run:
    """One `-m test`, in a folder of its own."""

    def __init__(self, python: str, watched: bool, arguments: list[str], folder: Path) -> None:
        self.name = "watched" if watched else "plainly"
        self.folder = folder
        (folder / "tmp").mkdir(parents=True)
        self.recording = folder / "run.hlens"
        run = [EXE, "run", "-f", "-o", str(self.recording), *OPTIONS, "--python"]
        watch = run if watched else []
        environment = {**os.environ, "TMPDIR": str(folder / "tmp")}
        environment.pop("HEAPLENS_EXE", None)
        with (folder / "log").open("wb") as log, (folder / "errors").open("wb") as errors:
            self.process = subprocess.Popen(
                [
                    *watch,
                    python,
                    "-m",
                    "test",
                    "-v",
                    "--timeout",
                    str(SECONDS_A_FILE),
                    "--tempdir",
                    str(folder / "tmp"),
                    "--junit-xml",
                    str(folder / "report.xml"),
                    *arguments,
                ],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=errors,
                start_new_session=True,
            )

    def end(self) -> str | None:
        """Waits for it; the test file where it broke off ("": before the first), or None."""
        status = self.process.wait()
        log = (self.folder / "log").read_bytes()
        begun = re.findall(rb"\[ *(\d+)/(\d+)[^\]]*\] (\S+)", log)
        whole = bool(begun) and begun[-1][0] == begun[-1][1] and b"\nTotal duration:" in log
        broke = None if whole else begun[-1][2].decode() if begun else ""
        where = "" if whole else f", broke off in {broke or 'no file'}"
        print(f"    {self.name}: exit {status}{where}; {self.folder}", flush=True)
        return broke

    def outcomes(self) -> outcomes.Outcomes:
        """By the report; by the log where there is none: after some of the suite's own tests of
        XML the runner cannot write it (TypeError in write_junit)."""
        report = self.folder / "report.xml"
        if report.exists() and report.stat().st_size:
            return outcomes.read(report)
        log = (self.folder / "log").read_text(errors="replace")
        return {case["id"]: ENDED[case["how"]] for case in CASE.finditer(log)}

    def looks(self) -> int:
        said = subprocess.run(
            [EXE, "doctor", "--json", str(self.recording)], capture_output=True, text=True
        )
        return int(json.loads(said.stdout)["snapshots"]["whole"]) if said.stdout else 0


def file_of(test: str) -> str:
    """As regrtest is told of it: test.test_gc.GCTests.test_list stands in test.test_gc."""
    parts = re.sub(r"^.*\((.*)\)$", r"\1", test).split(".")
    return ".".join(takewhile(lambda part: part.startswith("test"), parts)) or parts[0]


def always_differs(python: str, name: str, folder: Path) -> bool:
    """Runs the file of a test again alone, in both ways, until chance explains the difference."""
    ended: dict[bool, set[str]] = {False: set(), True: set()}
    for attempt in range(AGAIN):
        for watched in (False, True):
            here = folder / f"{attempt}-{'watched' if watched else 'plain'}"
            run = Run(python, watched, [file_of(name)], here)
            run.process.wait()
            ended[watched].add(run.outcomes().get(name, "missing"))
        if ended[False] & ended[True]:
            return False
    return True


def run_all(
    python: str, watched: bool, arguments: list[str], folder: Path
) -> tuple[bool, outcomes.Outcomes, int]:
    """Did it come to its end, how each test ended, and how many snapshots were taken. A run that
    broke off goes on from the file it broke off in; twice in one file, no more."""
    ended: outcomes.Outcomes = {}
    looks = 0
    start: str | None = None
    while True:
        from_there = ["--start", start] if start else []
        run = Run(python, watched, [*from_there, *arguments], folder / (start or "all"))
        broke = run.end()
        ended.update(run.outcomes())
        looks += run.looks() if watched else 0
        if broke is None or not broke or broke == start:
            return broke is None, ended, looks
        start = broke


def compare(python: str, arguments: list[str], folder: Path) -> bool:
    version = subprocess.run(
        [python, "-c", "import platform; print(platform.python_version())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    print(f"== CPython {version} ({python})", flush=True)
    here = folder / version
    shutil.rmtree(here, ignore_errors=True)
    ended: list[outcomes.Outcomes] = []
    whole = True
    for way in ("plain", "watched"):
        to_its_end, how, looks = run_all(python, way == "watched", arguments, here / way)
        whole = to_its_end and whole
        ended.append(how)
        print(f"    {outcomes.counts(how)}", flush=True)
    same = whole and all(ended)
    for name, was, became in outcomes.differences(*ended):
        always = always_differs(python, name, here / "again" / name)
        same = same and not always
        how = "differs" if always else "by chance"
        print(f"    {how}: {name}: {was} plainly, {became} watched", flush=True)
    print(f"    {looks} snapshots")
    return same and looks >= LOOKS


def main() -> int:
    options = argparse.ArgumentParser(description="CPython's own test suite, plainly and watched")
    options.add_argument("--python", action="append", metavar="PYTHON")
    options.add_argument(
        "--with",
        action="append",
        default=[],
        dest="options",
        metavar="OPTION",
        help="an option of heaplens run: --with=--exact",
    )
    options.add_argument("--skip", action="append", default=[], metavar="TEST")
    options.add_argument("--ignore", action="append", default=[], metavar="PATTERN")
    options.add_argument(
        "--keep",
        type=Path,
        default=ROOT / "build/cpython",
        metavar="FOLDER",
        help="where logs and reports stay (default: build/cpython)",
    )
    options.add_argument("tests", nargs="*", metavar="TEST")
    said = options.parse_args()
    # Who runs in the background of a shell is deaf to it, and so would be the tests: some hang.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    OPTIONS.extend(said.options)
    if said.skip and said.tests:
        options.error("name the test files to run, or those to skip")
    ignored = [word for pattern in said.ignore for word in ("-i", pattern)]
    arguments = [*ignored, *(["-x", *said.skip] if said.skip else said.tests)]
    results = [
        compare(python, arguments, said.keep.resolve()) for python in said.python or ["python3"]
    ]
    return int(not all(results))


if __name__ == "__main__":
    sys.exit(main())
