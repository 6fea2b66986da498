#!/usr/bin/env python3
"""objgraph's own tests, with heaplens.compat.objgraph in its place.

    tests/peers/objgraph/run.py [--python PATH]... [--package FOLDER]

Its source distributions, the latest 3.6 and 3.7, come by name into build/peers/objgraph. Each interpreter
(default: all that heaplens is built for, tools/interpreters.sh) runs the tests twice: on the original,
which says what can pass here, and on ours. FOLDER is the package that serves them (default: .venv's).

Graphviz is not what is tested: where there is none, a program of its name that writes an empty file
stands in. Exit status: 1 if a test fails that passes on the original, or one in ten is excluded.
"""

import argparse
import contextlib
import glob
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
WORK = os.path.join(ROOT, "build", "peers", "objgraph")
RELEASES = ["3.6", "3.7"]
EXCLUDED_AT_MOST = 0.1


# ---- in the interpreter that is tested ----------------------------------------------------------


def run_here(whose):
    """The tests of the current folder; prints {test: [outcome, why]}."""
    sys.path.insert(0, os.getcwd())
    if whose == "ours":
        from heaplens.compat import objgraph

        sys.modules["objgraph"] = objgraph
    import tests

    outcomes = {}

    class Result(unittest.TestResult):
        def addSuccess(self, test):
            outcomes.setdefault(test.id(), ["passed", ""])

        def addSkip(self, test, reason):
            outcomes[test.id()] = ["skipped", reason]

        def addFailure(self, test, err):
            outcomes[test.id()] = ["failed", self._exc_info_to_string(err, test)]

        addError = addFailure

    with contextlib.redirect_stdout(io.StringIO()):
        tests.test_suite().run(Result())
    print(json.dumps(outcomes))


# ---- what is tested -----------------------------------------------------------------------------


def source_of(release):
    """The folder of the latest release of a minor version, or None."""
    pattern = os.path.join(WORK, f"objgraph-{release}.*.tar.gz")
    if not glob.glob(pattern):
        words = ["download", "-q", "--no-deps", "--no-binary", "objgraph", "-d", WORK]
        subprocess.run([sys.executable, "-m", "pip", *words, f"objgraph~={release}.0"])
    archives = sorted(glob.glob(pattern))
    if not archives:
        return None
    folder = archives[-1][: -len(".tar.gz")]
    if not os.path.isdir(folder):
        with tarfile.open(archives[-1]) as archive:
            archive.extractall(WORK)
    return folder


def oldest_python(folder):
    with open(os.path.join(folder, "PKG-INFO"), encoding="utf-8") as f:
        line = next(line for line in f if line.startswith("Requires-Python: >="))
    return tuple(map(int, line.split(">=")[1].split(".")))


def interpreters():
    found = subprocess.run([os.path.join(ROOT, "tools", "interpreters.sh")], stdout=subprocess.PIPE, text=True)
    rows = [line.split("\t") for line in found.stdout.splitlines()]
    return [row[1] for row in rows if len(row) < 3 or not row[2]]


def package_of(folder):
    """A folder for PYTHONPATH in which heaplens is all there is."""
    if not folder:
        found = glob.glob(os.path.join(ROOT, ".venv", "lib", "python*", "site-packages", "heaplens"))
        if not found:
            sys.exit("no heaplens in .venv: make build")
        folder = found[0]
    path = os.path.join(WORK, "path")
    os.makedirs(path, exist_ok=True)
    link = os.path.join(path, "heaplens")
    if os.path.islink(link):
        os.unlink(link)
    os.symlink(os.path.abspath(folder), link)
    return path


def environment(package):
    path = os.environ["PATH"]
    if not shutil.which("dot"):
        stand_in = os.path.join(WORK, "bin")
        os.makedirs(stand_in, exist_ok=True)
        with open(os.path.join(stand_in, "dot"), "w") as f:
            f.write('#!/bin/sh\nfor word; do case $word in -o*) : >"${word#-o}" ;; esac; done\n')
        os.chmod(os.path.join(stand_in, "dot"), 0o755)
        path = stand_in + os.pathsep + path
        print("no Graphviz here: a program that writes an empty file stands in for dot")
    return {**os.environ, "PATH": path, "PYTHONPATH": package, "PYTHONDONTWRITEBYTECODE": "1"}


def outcomes_of(python, folder, whose, env):
    ran = subprocess.run(
        [python, os.path.abspath(__file__), "--here", whose],
        cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )
    try:
        return json.loads(ran.stdout.splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"{python}: the tests did not end: exit {ran.returncode}\n{ran.stderr[-2000:]}")


def judge(ours, original):
    """(passed, [(test, why excluded)], [(test, how it failed)])"""
    passed, excluded, failed = 0, [], []
    for test, (outcome, why) in ours.items():
        if why == "all examples were skipped":
            continue  # since 3.13 so much is said of a page without any
        if outcome == "passed":
            passed += 1
        elif outcome == "skipped":
            excluded.append((test, f"it leaves itself out: {why}"))
        elif original.get(test, ["passed"])[0] == "failed":
            excluded.append((test, "the original fails it here, too: " + original[test][1].strip().splitlines()[-1]))
        else:
            failed.append((test, why))
    failed += [(test, "it did not run") for test in original if test not in ours]
    return passed, excluded, failed


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--python", action="append", help="an interpreter; may be repeated")
    parser.add_argument("--package", help="the folder of the heaplens package")
    parser.add_argument("--here", choices=["ours", "original"], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.here:
        return run_here(args.here)
    os.makedirs(WORK, exist_ok=True)
    env = environment(package_of(args.package))
    good = True
    for release in RELEASES:
        folder = source_of(release)
        if folder is None:
            print(f"objgraph {release}: the index has no source distribution of it")
            good = good and release != RELEASES[0]
            continue
        name = os.path.basename(folder).replace("-", " ")
        for python in args.python or interpreters():
            version = subprocess.run(
                [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                stdout=subprocess.PIPE, text=True, check=True,
            ).stdout.strip()
            if tuple(map(int, version.split("."))) < oldest_python(folder):
                continue
            original = outcomes_of(python, folder, "original", env)
            passed, excluded, failed = judge(outcomes_of(python, folder, "ours", env), original)
            print(f"{name} on CPython {version}: {passed} passed, {len(excluded)} excluded, {len(failed)} failed")
            for test, why in excluded:
                print(f"    excluded {test}: {why}")
            for test, why in failed:
                print(f"    FAILED {test}\n{why}")
            many = len(excluded) > EXCLUDED_AT_MOST * (passed + len(excluded))
            if many:
                print("    too many are excluded")
            good = good and not failed and not many and passed > 0
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
