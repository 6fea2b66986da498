"""Two programs that print everything they can see of themselves differ in nothing, however they are started.

mirror.py is the program. What must remain different is listed in docs/running.md, and nowhere else.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from conftest import EXE, ROOT, environment

if TYPE_CHECKING:
    from conftest import Bench, Done

MIRROR = ROOT / "tests/run/mirror.py"
# More than this many facts are told on every interpreter, however it is started.
FACTS = 300


def env(**more: str) -> dict[str, str]:
    """Sets come in one order."""
    return {**environment(), "PYTHONHASHSEED": "0", **more}


MADE = re.compile(r"(?m)^made since a collection = (\d+)\r?\n")
COLLECTOR = re.compile(r"(?m)^collector at first = .*\n")
THRESHOLD, A_FEW = 700, 40  # 2000 since 3.13


def without_made(*texts: str) -> list[str]:
    """Some objects more or fewer were made before the program began (docs/running.md). Where that
    is about when the collector comes, it may have come once more in one of them."""
    made = [int(n) for text in texts for n in MADE.findall(text)]
    assert not made or (len(made) == len(texts) and max(made) < 2000)
    close = any(n < A_FEW or abs(n - THRESHOLD) < A_FEW or n > 2000 - A_FEW for n in made)
    texts = tuple(MADE.sub("", text) for text in texts)
    return [COLLECTOR.sub("", text) if close else text for text in texts]


def lines(text: str) -> list[str]:
    text = re.sub(r"0x[0-9a-f]+", "0x", text)
    text = re.sub(r"'duration': [0-9.e-]+", "'duration': ...", text)  # of collections, since 3.15
    return re.sub(r"(?m)^import time: +\d+ \| +\d+ \|", "import time:", text).splitlines()


def compare_told(watched: str, plain: str) -> None:
    told, expected = without_made(watched, plain)
    assert lines(told) == lines(expected)


def compare(plain: Done, watched: Done) -> None:
    assert len(plain.stdout.splitlines()) > FACTS, plain.stderr
    compare_told(watched.stdout, plain.stdout)
    assert lines(watched.stderr) == lines(plain.stderr)
    assert watched.status == plain.status == 1


def both(bench: Bench, *words: Any, **more: Any) -> None:
    more = {"env": env(), **more}
    compare(bench.alone(*words, **more), bench.watched(*words, **more))
    assert bench.file.stat().st_size > 1000


@pytest.fixture
def mirror(bench: Bench) -> Path:
    return Path(shutil.copy(MIRROR, bench.folder / "mirror.py"))


def test_script(bench: Bench, python: str, mirror: Path) -> None:
    both(bench, mirror, "a b", "-m", "--", "")


def test_script_by_a_short_name(bench: Bench, python: str, mirror: Path) -> None:
    both(bench, "mirror.py", "read", input="text\n")


def test_module(bench: Bench, python: str, mirror: Path) -> None:
    both(bench, "-m", "mirror", "-c")


def test_package(bench: Bench, python: str) -> None:
    bench.script("", "pkg/__init__.py")
    shutil.copy(MIRROR, bench.folder / "pkg/__main__.py")
    both(bench, "-m", "pkg", "x")


def test_code(bench: Bench, python: str) -> None:
    both(bench, "-c", MIRROR.read_text(), "x")


def test_standard_input(bench: Bench, python: str) -> None:
    both(bench, "-", "x", input=MIRROR.read_text())
    with open(MIRROR, encoding="utf-8") as file:
        plain = bench.alone("-", stdin=file, env=env())
    with open(MIRROR, encoding="utf-8") as file:
        compare(plain, bench.watched("-", stdin=file, env=env()))


def test_folder_and_archive(bench: Bench, python: str) -> None:
    folder = bench.folder / "app"
    folder.mkdir()
    shutil.copy(MIRROR, folder / "__main__.py")
    both(bench, "app", "x")
    zipapp.create_archive(folder, bench.folder / "app.pyz")
    both(bench, "app.pyz", "x")


FLAGS = ["-X dev", "-O", "-W error -bb -OO", "-I", "-S", "-E -s", "-u -B", "-X importtime", "-v", "-X faulthandler",
         "-X tracemalloc=3", "-X utf8", "-q -d", "-X frozen_modules=off", "-P"]


@pytest.mark.parametrize("flags", FLAGS)
def test_flags(bench: Bench, python: str, mirror: Path, flags: str) -> None:
    if flags == "-P" and bench.alone("-P", "-c", "").status:
        pytest.skip("has no -P")
    plain = bench.alone(*flags.split(), mirror, "x", env=env())
    bench.python += " " + flags
    compare(plain, bench.watched(mirror, "x", env=env()))


@pytest.mark.parametrize("how", ["--symlinks", "--copies"])
def test_virtual_environment(bench: Bench, python: str, mirror: Path, how: str) -> None:
    """Its own, in which there is no heaplens."""
    home = bench.folder / "an env"
    subprocess.run([python, "-m", "venv", "--without-pip", how, home], check=True)
    bench.python = str(home / "bin/python")
    plain = bench.alone(mirror, "x", env=env())
    compare(plain, bench.watched(mirror, "x", env=env()))
    activated = env(VIRTUAL_ENV=str(home), PATH=f"{home}/bin{os.pathsep}{os.environ['PATH']}")
    plain = bench.execute([home / "bin/python3", mirror, "x"], env=activated)
    bench.python = ""
    compare(plain, bench.watched(mirror, "x", env=activated))
    bench.python = "python3"
    plain = bench.execute(["python3", mirror, "x"], env=activated)
    compare(plain, bench.watched(mirror, "x", env=activated))


def shebangs(python: str) -> dict[str, str]:
    return {
        "plain": f"#!{python}\n",
        "with a flag": f"#! {python} -sE\n",
        "by env": "#!/usr/bin/env python3\n",
        "by env -S": "#!/usr/bin/env -S python3 -X dev\n",
        "by a shell": f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''\n",
        "by a shell, beside": "#!/bin/sh\n'''exec' \"$(dirname -- \"$(realpath -- \"$0\")\")/python3\" \"$0\" \"$@\"\n' '''\n",
    }


@pytest.mark.parametrize("kind", list(shebangs("")))
def test_command(bench: Bench, python: str, kind: str) -> None:
    """A console script is called by its name: its first line decides what runs it."""
    home = bench.folder / "env"
    subprocess.run([python, "-m", "venv", "--without-pip", home], check=True)
    tool = home / "bin/mytool"
    tool.write_text(shebangs(f"{home}/bin/python3")[kind] + MIRROR.read_text())
    tool.chmod(0o755)
    activated = env(PATH=f"{home}/bin{os.pathsep}{os.environ['PATH']}")
    plain = bench.execute(["mytool", "a b"], env=activated)
    bench.python = ""
    compare(plain, bench.watched("mytool", "a b", env=activated))
    plain = bench.execute([tool, "x"], env=activated)
    compare(plain, bench.watched(tool, "x", env=activated))


def test_interpreter_as_a_command(bench: Bench, python: str, mirror: Path) -> None:
    plain = bench.alone("-X", "dev", "-Wd", "-um", "mirror", "x", env=env())
    watched = bench.execute([EXE, "run", "-q", "-f", "-o", bench.file, python, "-X", "dev", "-Wd", "-um", "mirror", "x"],
                            env=env())
    compare(plain, watched)


def on_a_terminal(words: list[Any], folder: Path) -> tuple[int, str]:
    pid, master = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execve(str(words[0]), [str(w) for w in words], env(TERM="xterm"))
    text = b""
    while True:
        try:
            more = os.read(master, 65536)
        except OSError:  # the other end is closed
            break
        if not more:
            break
        text += more
    os.close(master)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), text.decode()


@pytest.mark.skipif(sys.version_info < (3, 9), reason="needs os.waitstatus_to_exitcode")
def test_on_a_terminal(bench: Bench, python: str, mirror: Path) -> None:
    status, text = on_a_terminal([python, mirror, "x"], bench.folder)
    watched = on_a_terminal([EXE, "run", "-q", "-f", "-o", bench.file, "--python", python, mirror, "x"], bench.folder)
    assert "stdin is a terminal = True" in text and "foreground of 0 = True" in text
    compare_told(watched[1], text)
    assert watched[0] == status == 1


def test_signals_of_the_caller(bench: Bench, python: str, mirror: Path) -> None:
    """Ignored and blocked signals, limits and the umask are inherited as they are."""
    set_up = "import os, resource, signal, sys; signal.signal(1, signal.SIG_IGN); signal.signal(13, signal.SIG_DFL);" \
             "signal.pthread_sigmask(signal.SIG_BLOCK, [10, 12]); os.umask(0o77); os.nice(3);" \
             "resource.setrlimit(resource.RLIMIT_NOFILE, (200, 300)); os.execv(sys.argv[1], sys.argv[1:])"
    plain = bench.execute([sys.executable, "-c", set_up, python, mirror, "x"], env=env())
    watched = bench.execute([sys.executable, "-c", set_up, EXE, "run", "-q", "-f", "-o", bench.file, "--python", python,
                             mirror, "x"], env=env())
    compare(plain, watched)
