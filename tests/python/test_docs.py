"""The examples of docs/python.md run as they stand, each as a program of its own."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
EXAMPLES = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_example(example: str, tmp_path: Path) -> None:
    program = tmp_path / "example.py"
    program.write_text(example)
    done = subprocess.run([sys.executable, "-W", "error", program], cwd=tmp_path, timeout=60,
                          capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout


def test_every_function_has_a_section():
    import heaplens

    text = PAGE.read_text()
    for name in heaplens.__all__:
        if name[0].islower():
            assert f"`{name}`" in text or f"`{name}(" in text, name
