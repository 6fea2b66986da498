#!/usr/bin/env python3
"""CPython's own tests of tracemalloc, held against heaplens.compat.tracemalloc.

    tests/peers/tracemalloc/run.py [--python PATH]...

Each interpreter (default: all that heaplens is built for here) runs the test_tracemalloc.py it came
with, in which the name `tracemalloc` is ours; so it is in the programs that the tests of the command
line start. Prints, an interpreter,

    tracemalloc of CPython X.Y.Z: N passed, N excluded, N failed

and before it each excluded test with its reason. Exit status 1 where one failed, or more than a tenth
was excluded; an interpreter without its test package is said and passed over.

The tests of the C functions for extensions (PyTraceMalloc_Track) run with the original tracing beside
ours: the functions are the original's, and our snapshots have what it was told.

HEAPLENS_EXE    the executable (default: .venv/bin/heaplens of this checkout)
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
EXE = Path(os.environ.get("HEAPLENS_EXE") or ROOT / ".venv/bin/heaplens")
SECONDS, EXCLUDED_MOST = 600, 0.1

OPTION = "the interpreter refuses its own option and ends, before any import"
STOPPED = "only the original's C function answers, and it is not ours that it asks"
EXCLUDED = {
    "TestCommandLine.test_env_var_invalid": OPTION,
    "TestCommandLine.test_sys_xoptions_invalid": OPTION,
    "TestCAPI.test_stop_track": STOPPED,
    "TestCAPI.test_stop_untrack": STOPPED,
}

# ---- in the interpreter -------------------------------------------------------------------------


def tests_with_ours(package: str):
    """The interpreter's test module, with our tracemalloc in it."""
    import importlib
    import tracemalloc as original

    import test.support.script_helper  # noqa: F401  before the swap: what it imports stays

    from heaplens.compat import tracemalloc as ours

    sys.modules["tracemalloc"] = ours
    try:
        module = importlib.import_module("test.test_tracemalloc")
    finally:
        sys.modules["tracemalloc"] = original
    assert module.tracemalloc is ours and ours is not original

    change = (f"import sys; sys.path.insert(0, {package!r}); "
              "from heaplens.compat import tracemalloc; ")
    run_python = module.assert_python_ok

    def assert_python_ok(*words: str, **env: str):
        changed = [change + w.replace("import tracemalloc;", "") if "import " in w else w
                   for w in words]
        assert changed != list(words), words
        return run_python(*changed, **env)

    module.assert_python_ok = assert_python_ok

    class Beside:
        """Ours, with the original started and stopped beside it."""

        def __getattr__(self, name: str):
            return getattr(ours, name)

        def start(self, *frames: int) -> None:
            original.start(*frames)
            ours.start(*frames)

        def stop(self) -> None:
            ours.stop()
            original.stop()

    plain_run = module.TestCAPI.run

    def run(self, result=None):
        module.tracemalloc = Beside()
        try:
            return plain_run(self, result)
        finally:
            module.tracemalloc = ours

    module.TestCAPI.run = run
    return module


def nested(suite, levels: int = 3):
    """As the tests of a file are run: below suites, which a test of how deep a stack is counts on."""
    import unittest

    for _ in range(levels):
        suite = unittest.TestSuite([suite])
    return suite


def run_tests(package: str) -> dict:
    import unittest

    sys.path.insert(0, package)
    try:
        import test.test_tracemalloc  # noqa: F401
    except ImportError as why:
        return {"absent": str(why)}
    del sys.modules["test.test_tracemalloc"]
    suite = unittest.defaultTestLoader.loadTestsFromModule(tests_with_ours(package))
    excluded, chosen, left = {}, unittest.TestSuite(), [suite]
    while left:
        at = left.pop(0)
        if isinstance(at, unittest.TestSuite):
            left = [*at, *left]
            continue
        name = ".".join(at.id().rsplit(".", 2)[-2:])
        if name in EXCLUDED:
            excluded[name] = EXCLUDED[name]
        else:
            chosen.addTest(at)
    n = chosen.countTestCases()
    done = unittest.TextTestRunner(stream=sys.stderr, verbosity=2).run(nested(chosen))
    for at, reason in done.skipped:
        excluded[".".join(at.id().rsplit(".", 2)[-2:])] = reason
    failed = sorted({getattr(at, "test_case", at).id() for at, _ in done.failures + done.errors})
    return {"excluded": excluded, "failed": failed,
            "passed": n - len(done.skipped) - len(failed)}


# ---- outside ------------------------------------------------------------------------------------


def interpreters() -> list[tuple[str, str]]:
    done = subprocess.run([ROOT / "tools/interpreters.sh"], capture_output=True, text=True,
                          check=True, timeout=SECONDS)
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    return [(version, path) for version, path, why in rows if not why]


def version_of(python: str) -> str:
    code = "import platform; print(platform.python_version())"
    return subprocess.run([python, "-c", code], capture_output=True, text=True, check=True,
                          timeout=SECONDS).stdout.strip()


def hold(version: str, python: str, package: str) -> bool | None:
    """Prints how it went; False: not as it should; None: it could not be run."""
    name = f"tracemalloc of CPython {version}"
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        done = subprocess.run([python, __file__, "--tell", told, "--package", package], cwd=folder,
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=SECONDS)
        if not told.exists():
            print(f"{done.stderr}\n{name}: did not come to its end, exit {done.returncode}",
                  flush=True)
            return False
        how = json.loads(told.read_text())
    if "absent" in how:
        print(f"{name}: not run, its tests are not installed ({how['absent']})", flush=True)
        return None
    for test, reason in sorted(how["excluded"].items()):
        print(f"    excluded: {test}: {reason}")
    for test in how["failed"]:
        print(f"    failed: {test}")
    if how["failed"]:
        print(done.stderr)
    passed, excluded, failed = how["passed"], len(how["excluded"]), len(how["failed"])
    print(f"{name}: {passed} passed, {excluded} excluded, {failed} failed", flush=True)
    return passed > 0 and not failed and excluded <= EXCLUDED_MOST * (passed + excluded)


def main() -> int:
    options = argparse.ArgumentParser(description="CPython's tests of tracemalloc, against ours")
    options.add_argument("--python", action="append", metavar="PATH")
    options.add_argument("--tell", type=Path, help=argparse.SUPPRESS)
    options.add_argument("--package", help=argparse.SUPPRESS)
    said = options.parse_args()
    if said.tell:
        said.tell.write_text(json.dumps(run_tests(said.package)))
        return 0
    chosen = [(version_of(p), p) for p in said.python] if said.python else interpreters()
    installed = next(EXE.resolve().parent.parent.glob("lib/python*/site-packages/heaplens"))
    with tempfile.TemporaryDirectory() as package:
        # the package alone: the environment's others are of one interpreter
        (Path(package) / "heaplens").symlink_to(installed)
        held = [hold(version, python, package) for version, python in chosen]
    if True not in held:
        print("tracemalloc: no interpreter ran its tests")
    return int(True not in held or False in held)


if __name__ == "__main__":
    sys.exit(main())
