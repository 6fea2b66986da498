"""What cannot be done is said in a sentence: before the program begins, with the right exit code, or while it runs on."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, ROOT, accepted, environment, interpreters, version_of

if TYPE_CHECKING:
    from conftest import Bench

USAGE, TARGET = 2, 3


def refuse(bench: Bench, *words: Any, status: int, says: str, **more: Any) -> None:
    before = set(bench.folder.iterdir())
    done = bench.execute([EXE, "run", *words], **more)
    assert (done.status, done.stdout) == (status, "")
    assert done.stderr.startswith("heaplens") and says in done.stderr and "Traceback" not in done.stderr
    assert set(bench.folder.iterdir()) == before


def go_without(bench: Bench, python: str, *words: Any, says: str, status: int = 0, **more: Any) -> None:
    """The program runs as it would, and one sentence says why it was not looked at."""
    before = set(bench.folder.iterdir())
    done = bench.execute([EXE, "run", "--python", python, *words], **more)
    assert (done.status, done.stdout) == (status, "ran\n"), done.stderr
    assert done.stderr.startswith("heaplens: the program runs unobserved: ") and says in done.stderr
    assert done.stderr.count("\n") == 1
    assert set(bench.folder.iterdir()) == before
    asked = bench.execute([EXE, "run", "--fail-on", "strong", "--python", python, *words], **more)
    assert (asked.status, asked.stdout) == (TARGET, "")
    assert says in asked.stderr


USAGES: list[tuple[list[str], str]] = [
    ([], "script"),
    (["-o"], "--output"),
    (["-m"], "-m"),
    (["-m", ""], "module"),
    (["-c"], "-c"),
    (["--nosuch", "x.py"], "--nosuch"),
    (["--interval", "x", "-c", "pass"], "milliseconds"),
    (["--interval", "0", "-c", "pass"], "milliseconds"),
    (["--interval", "1K", "-c", "pass"], "milliseconds"),
    (["--max-snapshots", "-1", "-c", "pass"], "number"),
    (["--min-growth", "1Q", "-c", "pass"], "bytes"),
    (["--fail-on", "sometimes", "-c", "pass"], "certain"),
    (["--color", "sometimes", "-c", "pass"], "auto"),
    (["-o", "", "-c", "pass"], "file"),
    (["nosuch.py"], "nosuch.py"),
    (["folder/nosuch.py"], "folder/nosuch.py"),
    ([""], "script"),
    (["true"], "not a Python script"),
]


@pytest.mark.parametrize("words,says", USAGES)
def test_usage(bench: Bench, words: list[str], says: str) -> None:
    refuse(bench, *words, status=USAGE, says=says)


def test_options_in_every_form(bench: Bench, python: str) -> None:
    words = ["-qfoout.hlens", "--max-snapshots=2", f"--python={python}", "--color=never", "--", "-"]
    done = bench.execute([EXE, "run", *words, "-x", "--json"], input="import sys; print(sys.argv)")
    assert done.plain() == (0, "['-', '-x', '--json']\n", "")
    assert bench.file.exists()


def test_folder_without_main(bench: Bench) -> None:
    (bench.folder / "empty").mkdir()
    refuse(bench, "empty", status=USAGE, says="__main__.py")


def test_unreadable_script(bench: Bench) -> None:
    script = bench.script("print(1)")
    script.chmod(0)
    if os.access(script, os.R_OK):
        pytest.skip("everything can be read here")
    refuse(bench, script, status=USAGE, says="Permission denied")


@pytest.mark.parametrize("name", ["nosuchpython", "/nonexistent/python", "folder", "''"])
def test_no_such_python(bench: Bench, name: str) -> None:
    (bench.folder / "folder").mkdir()
    refuse(bench, "--python", name, "-c", "pass", status=TARGET, says="")


def test_no_python_anywhere(bench: Bench) -> None:
    if (EXE.parent / "python3").exists():
        pytest.skip("there is one beside the executable")
    env = {**environment(), "PATH": str(bench.folder)}
    refuse(bench, "-c", "pass", status=TARGET, says="--python", env=env)


def test_python_that_may_not_run(bench: Bench) -> None:
    python = bench.script("x", "python")
    refuse(bench, "--python", python, "-c", "pass", status=TARGET, says="executed")


def test_python_that_is_none(bench: Bench) -> None:
    """An executable the kernel does not take: said by us, the file is gone."""
    python = bench.script("\x7fELF rubbish", "python")
    python.chmod(0o755)
    refuse(bench, "--python", python, "-c", "pass", status=TARGET, says="cannot execute")


def test_program_that_is_no_python(bench: Bench) -> None:
    done = bench.execute([EXE, "run", "--python", "/bin/echo", "-c", "pass"])
    assert (done.status, done.stdout) == (0, "-c pass\n")
    assert "nothing was examined" in done.stderr
    assert not list(bench.folder.glob("*.hlens"))


def test_python_that_dies_early(bench: Bench, python: str) -> None:
    env = {**environment(), "PYTHONHOME": "/nonexistent"}
    got = bench.watched("-c", "pass", env=env)
    expected = bench.alone("-c", "pass", env=env)
    assert got.status == expected.status
    assert "nothing was examined" in got.stderr
    assert not bench.file.exists()


def others() -> list[str]:
    """Those that run and that heaplens is not built for."""
    found = [str(folder / "bin/python") for folder in sorted(Path("~/.pyenv/versions").expanduser().glob("[23].*"))]
    return [python for python in found if python not in interpreters().values() and not accepted(python)]


LEAVES = "import sys; sys.stdout.write('ran\\n'); sys.exit(5)"


@pytest.mark.parametrize("other", others())
@pytest.mark.parametrize("flags", ["", " -O", " -X dev"])
def test_wrong_interpreter(bench: Bench, other: str, flags: str) -> None:
    if bench.execute([*(other + flags).split(), "-c", LEAVES]).status != 5:
        pytest.skip("does not know the flag")
    go_without(bench, other + flags, "-c", LEAVES, says="--python", status=5)


def test_no_core(bench: Bench, python: str) -> None:
    """A package folder with the preload library alone: the sentence names the interpreter."""
    library = next((p for p in [*Path(os.environ.get("HEAPLENS_HOME", "/nonexistent")).glob("libheaplens_preload.so"),
                                *EXE.parent.parent.glob("lib*/python3*/site-packages/heaplens/libheaplens_preload.so"),
                                *EXE.parent.parent.glob("preload/libheaplens_preload.so"),
                                *ROOT.glob("build/*/src/preload/libheaplens_preload.so")]), None)
    if not library:
        pytest.skip("no preload library")
    home = bench.folder / "home"
    home.mkdir()
    (home / library.name).write_bytes(library.read_bytes())
    env = {**environment(), "HEAPLENS_HOME": str(home)}
    elsewhere = bench.folder / "bin"
    elsewhere.mkdir()
    (elsewhere / "heaplens").write_bytes(EXE.read_bytes())
    (elsewhere / "heaplens").chmod(0o755)
    (elsewhere / "python3").symlink_to(os.path.realpath(python))
    (bench.folder / "cwd").mkdir()
    done = bench.execute([elsewhere / "heaplens", "run", "-c", "print('ran')"], env=env, cwd=bench.folder / "cwd")
    assert (done.status, done.stdout) == (0, "ran\n")
    assert "CPython 3." in done.stderr and "HEAPLENS_HOME" in done.stderr
    assert not list((bench.folder / "cwd").iterdir())


@pytest.mark.parametrize("flags", ["", " -X dev"])
def test_core_of_another_release(bench: Bench, python: str, flags: str) -> None:
    """Nothing was put into the interpreter by then: with -X dev it would abort at its end."""
    package = next(EXE.parent.parent.glob("lib*/python3*/site-packages/heaplens"), None)
    version, own = version_of(python), version_of(str(EXE.parent / "python3"))
    minor = version.rpartition(".")[0]
    cores = {p.parent.name: p for p in package.glob("cores/*/_inside.so")} if package else {}
    if package:
        cores |= {own: p for p in package.glob("_inside.*.so")}
    others = [release for release in cores if release != version and release.rpartition(".")[0] == minor]
    if not package or not others:
        pytest.skip("no core of another release")
    home = bench.folder / "home"
    home.mkdir()
    (home / "libheaplens_preload.so").write_bytes((package / "libheaplens_preload.so").read_bytes())
    tag = "_inside.cpython-" + minor.replace(".", "") + "-x86_64-linux-gnu.so"
    (home / tag).write_bytes(cores[others[0]].read_bytes())
    (bench.folder / "heaplens").write_bytes(EXE.read_bytes())
    (bench.folder / "heaplens").chmod(0o755)
    words = [bench.folder / "heaplens", "run", "--python", os.path.realpath(python) + flags, "-c", "print('ran')"]
    done = bench.execute(words, env={**environment(), "HEAPLENS_HOME": str(home)})
    assert (done.status, done.stdout) == (0, "ran\n"), done.stderr
    assert f"is CPython {version}, and heaplens was built for {others[0]}" in done.stderr


def test_torn_core(bench: Bench, python: str) -> None:
    home = os.environ.get("HEAPLENS_HOME")
    if not home:
        pytest.skip("needs HEAPLENS_HOME")
    bad = bench.folder / "home"
    bad.mkdir()
    library = "libheaplens_preload.so"
    (bad / library).write_bytes((Path(home) / library).read_bytes())
    code = "import platform; print(platform.python_version())"
    version = subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()
    (bad / "cores" / version).mkdir(parents=True)
    (bad / "cores" / version / "_inside.so").write_bytes(b"\x7fELF torn")
    go_without(bench, python, "-c", "print('ran')", says="cannot load",
               env={**environment(), "HEAPLENS_HOME": str(bad)})


def test_package_folder_without_library(bench: Bench, python: str) -> None:
    (bench.folder / "home").mkdir()
    env = {**environment(), "HEAPLENS_HOME": str(bench.folder / "home")}
    go_without(bench, python, "-c", "print('ran')", says="HEAPLENS_HOME", env=env)


def test_existing_file(bench: Bench, python: str) -> None:
    file = bench.folder / "kept"
    file.write_text("mine")
    refuse(bench, "-o", "kept", "--python", python, "-c", "pass", status=USAGE, says="-f")
    assert file.read_text() == "mine"
    assert bench.execute([EXE, "run", "-q", "-f", "-o", "kept", "--python", python, "-c", "pass"]).status == 0
    assert file.read_bytes()[:6] == b"\x89HLENS"
    assert file.stat().st_mode & 0o777 == 0o600


def test_unwritable_folder(bench: Bench, python: str) -> None:
    folder = bench.folder / "closed"
    folder.mkdir()
    folder.chmod(0o500)
    try:
        if os.access(folder, os.W_OK):
            pytest.skip("everything can be written here")
        go_without(bench, python, "-o", "closed/x", "-c", "print('ran')", says="closed/x")
    finally:
        folder.chmod(0o700)


def test_no_such_folder(bench: Bench, python: str) -> None:
    done = bench.execute([EXE, "run", "-o", "nosuch/x", "--python", python, "-c", "print(1)"])
    assert (done.status, done.stdout) == (TARGET, "") and "nosuch/x" in done.stderr


def limited(python: str, blocks: int, *words: Any) -> list[str]:
    """Under a limit on file sizes: a disk that is full, for whoever writes."""
    return ["sh", "-c", f'trap "" XFSZ; ulimit -f {blocks}; exec "$@"', "sh", str(EXE), "run", "-f", "-o", "x.hlens",
            "--python", python, *map(str, words)]


def test_no_room_for_the_file(bench: Bench, python: str) -> None:
    done = bench.execute(limited(python, 0, "-c", "print(1)"))
    assert (done.status, done.stdout) == (0, "1\n") and "the program runs unobserved: " in done.stderr
    assert not (bench.folder / "x.hlens").exists()


def test_no_room_for_a_snapshot(bench: Bench, python: str) -> None:
    """The program goes on undisturbed; the verdict says what is not seen."""
    done = bench.execute(limited(python, 128, "-c", "L = [{i: str(i)} for i in range(50000)]; print(sum(range(1000)))"))
    assert (done.status, done.stdout) == (0, "499500\n")
    assert "no verdict" in done.stderr or "not seen" in done.stderr


def test_default_name(bench: Bench, python: str) -> None:
    script = bench.script("import os; print(os.getpid())", "some app.py")
    pid = bench.execute([EXE, "run", "-q", "--python", python, script]).stdout.strip()
    assert (bench.folder / f"heaplens-some app-{pid}.hlens").exists()
    pid = bench.execute([EXE, "run", "-q", "--python", python, "-c", "import os; print(os.getpid())"]).stdout.strip()
    assert (bench.folder / f"heaplens-command-{pid}.hlens").exists()


FREE_THREADED = r"""
#include <string.h>
typedef int hook(const char *, void *, void *);
static hook *ours;
static void *data;
__attribute__((visibility("default"))) const char *Py_GetVersion(void)
{ return "3.14.8 free-threading build (main, Oct  1 2026) [GCC]"; }
__attribute__((visibility("default"))) void *PySys_GetObject(const char *n) { return (void *)0; }
__attribute__((visibility("default"))) int PySys_AddAuditHook(hook *h, void *d)
{ ours = h; data = d; return 0; }
__attribute__((visibility("default"))) int PyGILState_Check(void) { return 1; }
__attribute__((visibility("default"))) int Py_IsInitialized(void) { return 1; }
int printf(const char *, ...);
int main(void) { if (ours) ours("cpython.run_command", 0, data); printf("ran\n"); return 0; }
"""
PYPY = r"""
__attribute__((visibility("default"))) const char *PyPy_GetVersion(void) { return "3.11.17"; }
int printf(const char *, ...);
int main(void) { printf("ran\n"); return 7; }
"""


def stand_in(bench: Bench, name: str, source: str) -> str:
    """An interpreter as far as the preload library asks one."""
    if not shutil.which("cc"):
        pytest.skip("no compiler")
    code = bench.folder / f"{name}.c"
    code.write_text(source)
    out = bench.folder / name
    subprocess.run(["cc", "-rdynamic", "-o", out, code], check=True)
    return str(out)


def test_free_threaded(bench: Bench) -> None:
    python = stand_in(bench, "python3.14t", FREE_THREADED)
    assert bench.execute([python]).stdout == "ran\n"
    go_without(bench, python, "-c", "pass", says="free-threaded build of CPython 3.14.8")


def test_pypy(bench: Bench) -> None:
    python = stand_in(bench, "pypy3", PYPY)
    go_without(bench, python, "-c", "pass", says="PyPy", status=7)
