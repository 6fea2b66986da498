"""The native executable: where it is, how it is asked, how its sentence becomes an exception."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import warnings
from collections.abc import Iterator
from typing import Any

from heaplens._error import Error

# Exit codes of the executable, src/cli/verb.h.
_DONE, _FINDINGS, _INCOMPLETE = 0, 1, 4


def _places() -> Iterator[str]:
    yield os.path.join(sysconfig.get_path("scripts"), "heaplens")
    if sys.executable:
        yield os.path.join(os.path.dirname(sys.executable), "heaplens")
    if hasattr(sysconfig, "get_preferred_scheme"):
        user = sysconfig.get_path("scripts", sysconfig.get_preferred_scheme("user"))
    else:
        user = sysconfig.get_path("scripts", f"{os.name}_user")
    yield os.path.join(user, "heaplens")


def executable() -> str:
    """The path of the native executable that belongs to this package."""
    chosen = os.environ.get("HEAPLENS_EXE")
    if chosen:
        if os.access(chosen, os.X_OK):
            return chosen
        raise Error(f"HEAPLENS_EXE names {chosen!r}, which cannot be executed")
    for place in _places():
        if os.path.isfile(place) and os.access(place, os.X_OK):
            return place
    found = shutil.which("heaplens")
    if found is None:
        raise Error(
            "the heaplens executable is neither beside this interpreter nor on PATH; "
            "install heaplens again, or name it in HEAPLENS_EXE"
        )
    return found


def _ask(words: tuple[str, ...]) -> tuple[Any, str, int]:
    """The answer, what was said beside it, the exit status."""
    command = [executable(), *words, "--json"]
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    except OSError as why:
        raise Error(f"cannot run {command[0]}: {why.strerror}") from why
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode not in (_DONE, _FINDINGS, _INCOMPLETE) or not done.stdout.strip():
        said = _sentence(said)
        if done.returncode < 0:
            said = f"{command[0]} was ended by signal {-done.returncode} {said}".rstrip()
        raise Error(said or f"{command[0]} ended with {done.returncode}", done.returncode)
    try:
        answer = json.loads(done.stdout)
    except ValueError as why:
        raise Error(f"{command[0]} {words[0]} gave no JSON: {why}") from why
    return answer, said, done.returncode


def _sentence(said: str) -> str:
    said = said.strip()
    return said[len("heaplens: ") :] if said.startswith("heaplens: ") else said


def ask(*words: str) -> Any:
    """Runs a verb with --json and returns what it says. Raises Error with its sentence."""
    answer, said, status = _ask(words)
    if status == _INCOMPLETE and said:
        warnings.warn(_sentence(said), RuntimeWarning, stacklevel=3)
    return answer


def ask_in_words(*words: str) -> tuple[Any, str]:
    """The same, and how the verb says it to people."""
    answer, said, _ = _ask((*words, "--words", "--quiet"))
    return answer, said.rstrip("\n")
