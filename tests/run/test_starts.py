"""However a program is started: it sees what it would see without us."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from conftest import EXE, environment

if TYPE_CHECKING:
    from conftest import Bench

LOOK = """
import os, sys
print(__name__, sys.argv, sys.path, sys.flags, __spec__ and __spec__.name, sorted(globals()))
print(sys.executable, sys.prefix, getattr(sys, "orig_argv", None))
print(sorted(set(sys.modules) - ({"atexit"} if sys.version_info < (3, 10) else set())))
print(dict(os.environ))
import signal, threading, traceback
print(signal.pthread_sigmask(0, []), threading.active_count(), len(sys._current_frames()))
def g():
    print(len(traceback.extract_stack()), sys._getframe(1).f_back)
g()
print(sorted(os.listdir("/proc/self/fd")), os.getcwd(), os.get_terminal_size.__name__)
print(os.getpgid(0) == os.getpgid(os.getppid()), os.getsid(0) == os.getsid(os.getppid()))
import pickle
class A:
    pass
print(pickle.loads(pickle.dumps(A())).__class__.__module__)
import resource
print(resource.getrlimit(resource.RLIMIT_STACK), resource.getrlimit(resource.RLIMIT_CORE), os.umask(0o77))
"""


@pytest.fixture
def package(bench: Bench) -> Path:
    bench.script("", "pkg/__init__.py")
    bench.script(LOOK, "pkg/__main__.py")
    bench.script(LOOK, "pkg/part.py")
    return bench.folder / "pkg"


def test_script(bench: Bench, python: str) -> None:
    bench.same(bench.script(LOOK), "a b", "-o", "--json", "-m", "")


def test_script_in_a_folder(bench: Bench, python: str) -> None:
    bench.script(LOOK, "some folder/app.py")
    bench.same("some folder/app.py", "x")


def test_folder(bench: Bench, python: str, package: Path) -> None:
    bench.same("pkg", "x")


def test_module(bench: Bench, python: str, package: Path) -> None:
    bench.same("-m", "pkg", "x", "-v")
    bench.same("-m", "pkg.part", "--", "x")


def test_code(bench: Bench, python: str) -> None:
    bench.same("-c", LOOK, "x", "-c")


def test_standard_input(bench: Bench, python: str) -> None:
    bench.same("-", "x", input=LOOK)
    bench.same("-c", "import sys; print(sys.stdin.read())", input="text\n")


def test_missing_module(bench: Bench, python: str) -> None:
    bench.same("-m", "nosuchmodule")


def test_syntax_error(bench: Bench, python: str) -> None:
    got = bench.same(bench.script("def f(:\n"))
    assert got.status == 1 and "SyntaxError" in got.stderr


FLAGS = ["-I", "-S", "-E -s", "-X dev", "-W error -bb -OO", "-B -u", "-X faulthandler", "-X tracemalloc=3", "-X utf8"]


@pytest.mark.parametrize("flags", FLAGS)
def test_flags(bench: Bench, python: str, flags: str) -> None:
    script = bench.script(LOOK)
    expected = bench.alone(*flags.split(), script, "x")
    bench.python += " " + flags
    assert bench.watched(script, "x").plain() == expected.plain()


def test_python_found_on_path(bench: Bench, python: str) -> None:
    """A bare word stays a bare word in argv[0], so that the interpreter finds its home as it would."""
    env = {**environment(), "PATH": os.path.dirname(python) + os.pathsep + os.environ["PATH"]}
    bench.python = "python3"
    bench.same(bench.script(LOOK), env=env)


def test_virtual_environment(bench: Bench, python: str) -> None:
    home = bench.folder / "an env"
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
    script = bench.script(LOOK)
    bench.python = str(home / "bin/python3")
    if not os.access(bench.python, os.X_OK):
        bench.python = str(home / "bin/python")
    expected = bench.alone(script)
    assert bench.watched(script).plain() == expected.plain()
    bench.python = str(home)
    assert bench.watched(script).plain() == expected.plain()


def test_console_script(bench: Bench, python: str) -> None:
    """Beside the chosen interpreter first; the name it is called by is its full path."""
    home = bench.folder / "env"
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
    tool = home / "bin" / "mytool"
    tool.write_text(f"#!{home}/bin/python3\n{LOOK}")
    tool.chmod(0o755)
    bench.python = str(home)
    got = bench.watched("mytool", "x")
    expected = bench.execute([home / "bin/python3", tool, "x"])
    assert got.plain() == expected.plain()


def test_console_script_on_path(bench: Bench, python: str) -> None:
    """Without --python it runs in its own environment."""
    home = bench.folder / "env"
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
    folder = bench.folder / "bin"
    folder.mkdir()
    tool = folder / "mytool"
    tool.write_text(f"#!/bin/sh\n'''exec' \"{home}/bin/python3\" \"$0\" \"$@\"\n' '''\nprint('long')\n")
    tool.chmod(0o755)
    other = folder / "other"
    other.write_text(f"#!{home}/bin/python3\nimport sys; print(sys.prefix, sys.argv)\n")
    other.chmod(0o755)
    env = {**environment(), "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}
    assert bench.watched("mytool", env=env).stdout == "long\n"
    bench.python = ""
    assert bench.watched("other", "x", env=env).stdout == f"{home} {[str(other), 'x']}\n"


def test_a_shell_in_between(bench: Bench, python: str) -> None:
    """Version managers put a script before the interpreter; helpers it starts are not observed."""
    shim = bench.script(f'#!/bin/sh\nx=$("{python}" -c "print(1)")\nexec "{python}" "$@"\n', "shim")
    shim.chmod(shim.stat().st_mode | stat.S_IXUSR)
    script = bench.script("import os; print(sorted(k for k in os.environ if 'PRELOAD' in k or k == 'HEAPLENS_PAGE'))\n")
    bench.python = str(shim)
    got = bench.watched(script, options=("--json",))
    assert got.stdout == "[]\n"
    assert got.diagnosis()["observed"]["snapshots"] >= 2


def test_preload_of_the_user(bench: Bench, python: str) -> None:
    """Kept behind ours, and put back before the program looks."""
    library = "libm.so.6"
    script = bench.script(LOOK)
    bench.same(script, env={**environment(), "LD_PRELOAD": library})
    bench.same(script, env={**environment(), "LD_PRELOAD": ""})


def test_package_with_odd_name(bench: Bench, python: str) -> None:
    """LD_PRELOAD is split at blanks and colons: a library whose path has them is preloaded all the same."""
    home = os.environ.get("HEAPLENS_HOME")
    if not home:
        pytest.skip("needs HEAPLENS_HOME")
    odd = bench.folder / "odd: folder, $HOME"
    shutil.copytree(home, odd)
    script = bench.script(LOOK)
    env = {**environment(), "HEAPLENS_HOME": str(odd)}
    expected = bench.alone(script, env=env)
    got = bench.watched(script, env=env)
    assert got.plain() == expected.plain()
    assert bench.file.stat().st_size > 100


def test_descriptors_of_the_caller(bench: Bench, python: str) -> None:
    """The sentinel keeps no pipe of the program open."""
    read, write = os.pipe()
    words = [EXE, "run", "-q", "-f", "-o", bench.file, "--python", python, "-c", "pass"]
    with subprocess.Popen(words, pass_fds=[write], env=environment()) as program:
        os.close(write)
        assert os.read(read, 1) == b""
        assert program.wait() == 0
    os.close(read)


def test_two_at_once(bench: Bench, python: str) -> None:
    words = [str(EXE), "run", "-q", "--python", python, str(bench.script("import time; time.sleep(.2)\n"))]
    programs = [subprocess.Popen(words, cwd=bench.folder, env=environment()) for _ in range(4)]
    assert [p.wait() for p in programs] == [0] * 4
    assert len(list(bench.folder.glob("heaplens-app-*.hlens"))) == 4


def test_inside_one_another(bench: Bench, python: str) -> None:
    inner = f"import subprocess, sys; sys.exit(subprocess.run([{str(EXE)!r}, 'run', '-q', '-f', '-o', 'inner.hlens', " \
            f"'--python', {python!r}, '-c', 'import sys; sys.exit(6)']).returncode)"
    assert bench.watched("-c", inner).status == 6
    assert (bench.folder / "inner.hlens").stat().st_size > 100
