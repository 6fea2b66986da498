#!/usr/bin/env python3
"""The cases of the command line: a script each, its exact output beside it.

run.py --heaplens PATH --draw PATH [--accept] [CASE...]

A case NAME.sh runs in a folder of its own, where each heaps/X.heap lies drawn as X.hlens; `t COMMAND`
in it shows a command, what it says on both streams, and its exit status if that is not 0. What the
script prints must be NAME.out; --accept makes it so.
"""

import argparse
import difflib
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
PRELUDE = """
t() {
    printf '$'; printf ' %s' "$@"; echo
    "$@" 2>&1
    code=$?
    [ $code = 0 ] || echo "[exit $code]"
}
"""


def environment(heaplens: pathlib.Path, folder: pathlib.Path) -> dict[str, str]:
    return {
        "PATH": f"{heaplens.parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(folder),
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CASES": str(HERE),
    }


def run_case(case: pathlib.Path, heaps: pathlib.Path, heaplens: pathlib.Path) -> str:
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for heap in heaps.iterdir():
            shutil.copy(heap, folder)
        done = subprocess.run(
            ["sh", "-c", PRELUDE + case.read_text()],
            cwd=folder,
            env=environment(heaplens, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=120,
            check=False,
        )
        return done.stdout.decode("utf-8", "backslashreplace").replace(name, "FOLDER")


def draw_all(draw: pathlib.Path, folder: pathlib.Path) -> None:
    for heap in sorted((HERE / "heaps").glob("*.heap")):
        subprocess.run([draw, heap, folder / (heap.stem + ".hlens")], check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heaplens", type=pathlib.Path, required=True)
    parser.add_argument("--draw", type=pathlib.Path, required=True)
    parser.add_argument("--accept", action="store_true", help="what is printed now is right")
    parser.add_argument("cases", nargs="*")
    args = parser.parse_args()
    names = args.cases or sorted(path.stem for path in HERE.glob("*.sh"))
    failed = []
    with tempfile.TemporaryDirectory() as name:
        heaps = pathlib.Path(name)
        draw_all(args.draw.resolve(), heaps)
        for case in names:
            golden = HERE / f"{case}.out"
            expected = golden.read_text() if golden.exists() else ""
            actual = run_case(HERE / f"{case}.sh", heaps, args.heaplens.resolve())
            if actual == expected:
                continue
            if args.accept:
                golden.write_text(actual)
                print(f"accepted {case}")
                continue
            failed.append(case)
            sys.stdout.writelines(
                difflib.unified_diff(
                    expected.splitlines(True), actual.splitlines(True), f"{case}.out", "printed"
                )
            )
    if failed:
        print(f"{len(failed)} of {len(names)} cases differ: {' '.join(failed)}")
        print(f"if that is right: {sys.argv[0]} --accept ... {' '.join(failed)}")
        return 1
    print(f"{len(names)} cases")
    return os.EX_OK


if __name__ == "__main__":
    sys.exit(main())
