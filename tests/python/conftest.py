"""A stand-in for the native executable: it answers with what the test says."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path
from typing import Any, Callable

import pytest

Stand = Callable[..., Path]


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stand:
    """stand_in(answer, code=0, said="") makes an executable and names it in HEAPLENS_EXE.

    It writes its arguments to the file returned, answer to stdout, said to stderr.
    """

    def make(answer: Any, code: int = 0, said: str = "") -> Path:
        words = tmp_path / "words"
        out = answer if isinstance(answer, str) else json.dumps(answer)
        program = tmp_path / "heaplens"
        program.write_text(
            f"#!{sys.executable}\n"
            "import sys\n"
            f"open({str(words)!r}, 'w').write('\\n'.join(sys.argv[1:]))\n"
            f"sys.stdout.write({out!r})\n"
            f"sys.stderr.write({said!r})\n"
            f"sys.exit({code})\n"
        )
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("HEAPLENS_EXE", os.fspath(program))
        return words

    return make
