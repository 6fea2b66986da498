#!/usr/bin/env python3
"""The tests of memory_profiler itself, run against heaplens.compat.memory_profiler.

run.py [--package FOLDER] [--cache FOLDER] [--python PATH]...

The original's source distribution is downloaded by name and kept in a cache; of it only the tests run,
and mprof.py, which some of them are about. Whatever asks for memory_profiler gets ours. The programs
among the tests are run as the original's Makefile does, and their tables are looked at: a table for
each function, a measured line in each. Exit status 1 if one failed.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tarfile
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
VERSION = "0.61.0"
TIMEOUT = 300

# name: (how it is started, tables that are printed; None: it is a test by itself)
SCRIPT, PROFILED = "script", "profiled"
TESTS: "dict[str, tuple[str, int | None]]" = {
    "test_as.py": (PROFILED, 1),
    "test_async.py": (SCRIPT, 1),
    "test_attributes.py": (SCRIPT, 0),
    "test_exception.py": (SCRIPT, None),
    "test_exit_code.py": (SCRIPT, None),
    "test_func.py": (PROFILED, 1),
    "test_gen.py": (PROFILED, 3),
    "test_global.py": (PROFILED, 0),
    "test_import.py": (SCRIPT, 1),
    "test_increment_display.py": (SCRIPT, None),
    "test_loop.py": (PROFILED, 1),
    "test_loop_decorated.py": (PROFILED, 2),
    "test_memory_usage.py": (SCRIPT, None),
    "test_mprof.py": (SCRIPT, None),
    "test_mprofile.py": (PROFILED, 2),
    "test_nested.py": (PROFILED, 1),
    "test_precision_command_line.py": (PROFILED, 2),
    "test_precision_import.py": (SCRIPT, 2),
    "test_stream_unicode.py": (SCRIPT, 0),
    "test_tracemalloc.py": (SCRIPT, None),
    "test_unicode.py": (PROFILED, 1),
}

# What is asked for memory_profiler; as a program it is ours, too.
SHIM = """
import runpy, sys
if __name__ == "__main__":
    runpy.run_module("heaplens.compat.memory_profiler", run_name="__main__", alter_sys=True)
else:
    from heaplens.compat import memory_profiler
    sys.modules[__name__] = memory_profiler
"""


def excluded(name: str, version: "tuple[int, int]") -> "str | None":
    if name == "test_exit_code.py" and version >= (3, 12):
        return "its own assertRaisesRegexp is no more in unittest since 3.12"
    return None


def source(cache: pathlib.Path) -> pathlib.Path:
    folder = cache / f"memory_profiler-{VERSION}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        named = f"memory_profiler=={VERSION}"
        words = ["download", "--no-deps", "--no-binary", "memory_profiler", "-d", str(cache), named]
        subprocess.run(
            [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *words],
            check=True,
        )
        with tarfile.open(cache / f"memory_profiler-{VERSION}.tar.gz") as archive:
            wanted = [m for m in archive if m.isfile() and ".." not in m.name]
            for member in wanted:
                archive.extract(member, cache)
    return folder


def tables_of(text: str) -> "list[list[str]]":
    """Of each table the rows that were measured."""
    parts = re.split(
        r"^Filename: .*\n\nLine # +Mem usage +Increment +Occurrences .*\n=+\n", text, flags=re.M
    )
    row = re.compile(r"^ *\d+ +-?[\d.]+ MiB +-?[\d.]+ MiB +\d+   ")
    return [[line for line in part.splitlines() if row.match(line)] for part in parts[1:]]


def judge(done: "subprocess.CompletedProcess[str]", tables: "int | None") -> "str | None":
    """What is wrong; None: nothing."""
    if done.returncode:
        return f"exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-4000:]}"
    if tables is None:
        return None
    seen = tables_of(done.stdout)
    if len(seen) != tables or not all(seen):
        return f"{tables} tables with measured lines expected:\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    return None


def run_one(
    python: str, name: str, folder: pathlib.Path, environment: "dict[str, str]"
) -> "str | None":
    how, tables = TESTS[name]
    words = ["-m", "memory_profiler"] if how == PROFILED else []
    try:
        done = subprocess.run(
            [python, *words, f"test/{name}"],
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
        )
    except subprocess.TimeoutExpired:
        return f"no end within {TIMEOUT} seconds"
    return judge(done, tables)


def interpreters() -> "list[str]":
    """Those that heaplens can be built for."""
    found = subprocess.run(
        [ROOT / "tools/interpreters.sh"], check=True, capture_output=True, text=True
    )
    rows = [line.split("\t") for line in found.stdout.splitlines()]
    return [path for _, path, why in rows if not why]


def run_all(python: str, package: pathlib.Path, source_folder: pathlib.Path) -> int:
    asked = "import sys, platform; print(platform.python_version(), *sys.version_info[:2])"
    release, major, minor = subprocess.run(
        [python, "-c", asked], check=True, capture_output=True, text=True
    ).stdout.split()
    passed, failed, skipped = 0, [], []
    with tempfile.TemporaryDirectory() as temporary:
        path = pathlib.Path(temporary)
        (path / "heaplens").symlink_to(package)
        (path / "memory_profiler.py").write_text(SHIM)
        (path / "mprof.py").symlink_to(source_folder / "mprof.py")
        environment = {**os.environ, "PYTHONPATH": str(path), "PYTHONDONTWRITEBYTECODE": "1"}
        run_in = path / "run"
        run_in.mkdir()
        (run_in / "test").symlink_to(source_folder / "test")
        for name in TESTS:
            why = excluded(name, (int(major), int(minor)))
            if why:
                skipped.append((name, why))
                continue
            wrong = run_one(python, name, run_in, environment)
            if wrong:
                failed.append((name, wrong))
            else:
                passed += 1
    print(
        f"memory_profiler {VERSION} on CPython {release}: "
        f"{passed} passed, {len(skipped)} excluded, {len(failed)} failed"
    )
    for name, why in skipped:
        print(f"  excluded {name}: {why}")
    for name, why in failed:
        print(f"  failed {name}: {why}")
    sys.stdout.flush()
    return len(failed)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", action="append", help="an interpreter (default: all)")
    parser.add_argument("--cache", type=pathlib.Path, default=ROOT / "build" / "peers")
    parser.add_argument("--package", type=pathlib.Path, help="the installed heaplens (its folder)")
    options = parser.parse_args()
    package = options.package
    if package is None:
        found = sorted((ROOT / ".venv").glob("lib/python*/site-packages/heaplens"))
        if not found:
            parser.error("heaplens is not built: run make build")
        package = found[0]
    folder = source(options.cache)
    names = {path.name for path in (folder / "test").glob("test_*.py")}
    if names != set(TESTS):
        print(f"tests that are not known, or are no more: {sorted(names ^ set(TESTS))}")
        return 1
    chosen = options.python or interpreters()
    pythons = [os.path.abspath(p) if "/" in p else p for p in chosen]
    return 1 if sum([run_all(p, package.resolve(), folder) for p in pythons]) else 0


if __name__ == "__main__":
    sys.exit(main())
