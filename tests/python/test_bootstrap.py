"""tools/bootstrap.sh on machines that lack things, played with a PATH of our own."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def machine(tmp_path):
    """machine(USER ID, FAKES) -> (exit code, stderr, apt-get calls), on an almost empty PATH."""

    def play(user: int, fakes: dict[str, str], *arguments: str) -> tuple[int, str, list[str]]:
        folder = tmp_path / "bin"
        folder.mkdir()
        calls = tmp_path / "calls"
        for name in ("env", "dirname", "cut", "sed", "head"):
            (folder / name).symlink_to(shutil.which(name) or name)
        fakes = {"id": f"echo {user}", "apt-get": f'echo "$*" >> {calls}', **fakes}
        for name, body in fakes.items():
            (folder / name).write_text(f"#!/bin/bash\n{body}\n")
            (folder / name).chmod(0o755)
        environment = {"PATH": os.fspath(folder), "HOME": os.fspath(tmp_path)}
        done = subprocess.run(
            ["/bin/bash", ROOT / "tools" / "bootstrap.sh", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
        )
        return done.returncode, done.stderr, calls.read_text().split("\n") if calls.exists() else []

    return play


NEEDED = (
    "gcc libc6-dev make pkg-config libzstd-dev zlib1g-dev libdw-dev libprotobuf-c-dev "
    "protobuf-c-compiler python3 python3-venv python3-dev"
)


def test_root_installs_what_is_missing(machine):
    code, said, calls = machine(0, {})
    assert code == 0, said
    assert calls[0].startswith("-qq update")
    assert calls[1] == f"install -y --no-install-recommends {NEEDED}"


def test_a_user_is_told_what_to_install(machine):
    code, said, calls = machine(1000, {})
    assert code == 1
    assert calls == []
    assert f"apt-get install -y --no-install-recommends {NEEDED}" in said


def test_a_user_with_sudo_installs(machine):
    code, said, calls = machine(1000, {"sudo": 'shift; "$@"'})
    assert code == 0, said
    assert len(calls) == 3 and calls[1].endswith(NEEDED)


def test_an_install_that_fails_is_a_failure(machine):
    code, said, _ = machine(0, {"apt-get": "exit 100", "cc": "exit 0", "make": "exit 0"})
    assert code == 100
    assert "install" in said and "gcc" not in said.split()


def test_nothing_missing_does_nothing(machine):
    everything = dict.fromkeys(["cc", "make", "pkg-config", "protoc-c", "python3"], "exit 0")
    code, said, calls = machine(1000, everything)
    assert (code, said, calls) == (0, "", [])


def test_dev_wants_more(machine):
    everything = dict.fromkeys(["cc", "make", "protoc-c", "python3"], "exit 0")
    fakes = {**everything, "pkg-config": "exit 0", "apt-cache": "echo '  Depends: clang-19'"}
    code, said, _ = machine(1000, fakes, "dev")
    assert code == 1
    assert "missing git clang clang-format libclang-rt-19-dev;" in said


def test_dev_wants_other_allocators(machine):
    """By the name that this distribution has."""
    everything = dict.fromkeys(
        ["cc", "make", "protoc-c", "git", "clang", "clang-format", "pkg-config"], "exit 0"
    )
    fakes = {
        **everything,
        "python3": 'case "$*" in *find_library*) exit 1 ;; esac',
        "apt-cache": 'case "$*" in *mimalloc*) echo "libmimalloc3 - a compact allocator" ;; esac',
    }
    code, said, _ = machine(1000, fakes, "dev")
    assert code == 1
    assert "missing libjemalloc2 libmimalloc3;" in said


def test_an_unknown_word(machine):
    code, said, _ = machine(1000, {}, "everything")
    assert code == 2
    assert "usage" in said
