"""%mprun and %memit in an IPython of their own, against what the statements are known to do."""

from __future__ import annotations

import builtins
import re
from pathlib import Path
from typing import Any, Iterator

import pytest

pytest.importorskip("IPython", reason="IPython is installed on 3.11 and 3.12 alone")

from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

MIB = 2**20
HOLD = '''
def hold(times, mib=1):
    kept = []
    for _ in range(times):
        kept.append(bytearray(mib << 20))
    return kept
'''


@pytest.fixture(scope="module")
def one_shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("IPYTHONDIR", str(tmp_path_factory.mktemp("ipython")))
        made = InteractiveShell()
        made.history_manager.enabled = False
        made.run_line_magic("load_ext", "heaplens.compat.memory_profiler")
        yield made


@pytest.fixture
def shell(one_shell: Any) -> Any:
    one_shell.user_ns.clear()
    return one_shell


def numbers(text: str) -> dict[str, tuple[float, int]]:
    """By source text of a line: increment in MiB, and how often it ran."""
    row = re.compile(r"^ *\d+ +[\d.-]+ MiB +([\d.-]+) MiB +(\d+)   (.*)$", re.M)
    return {line.strip(): (float(change), int(times)) for change, times, line in row.findall(text)}


def test_lines_of_a_function_in_a_cell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(HOLD)
    capsys.readouterr()
    # so big a block is never one that malloc has had for others
    shell.run_line_magic("mprun", "-f hold kept = hold(2, 40)")
    rows = numbers(capsys.readouterr().out)
    change, times = rows["kept.append(bytearray(mib << 20))"]
    assert times == 2
    assert 78 <= change <= 82
    assert len(shell.user_ns["kept"]) == 2


def test_a_cell_and_a_file(shell: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "holds.py").write_text(HOLD)
    shell.run_cell(f"import sys; sys.path.insert(0, {str(tmp_path)!r})\nfrom holds import hold")
    table = tmp_path / "table.txt"
    profiler = shell.run_cell_magic(
        "mprun", f"-r -T {table} -f hold first = 3", "kept = hold(first)\nkept += hold(2)"
    )
    out = capsys.readouterr().out
    assert f"Profile printout saved to text file {table}" in out
    assert numbers(table.read_text())["kept.append(bytearray(mib << 20))"][1] == 5
    assert [code.co_name for code in profiler.code_map] == ["hold"]
    assert not hasattr(builtins, "profile")


def test_what_ends_the_statement(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell(HOLD)
    shell.run_line_magic("mprun", "-f hold hold(2); raise SystemExit(3)")
    out = capsys.readouterr().out
    assert "SystemExit exception caught" in out
    assert numbers(out)["kept.append(bytearray(mib << 20))"][1] == 2
    with pytest.raises(ZeroDivisionError):
        shell.run_line_magic("mprun", "-f hold 1 / 0")
    assert not hasattr(builtins, "profile")


def test_nothing_to_tell(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UsageError, match="Could not find function 'nobody'"):
        shell.run_line_magic("mprun", "-f nobody 1")
    shell.run_cell(HOLD)
    capsys.readouterr()
    shell.run_line_magic("mprun", "-f hold 1 + 1")
    assert "no line of a chosen function ran" in capsys.readouterr().out
    shell.run_line_magic("mprun", "1 + 1")
    assert "choose some with -f FUNCTION" in capsys.readouterr().out


def test_the_most_of_a_statement(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    result = shell.run_line_magic("memit", "-o -i 0.01 x = bytearray(50 << 20)")
    said = re.match(r"peak memory: ([\d.]+) MiB, increment: ([\d.]+) MiB\n", capsys.readouterr().out)
    assert said is not None
    assert float(said[1]) == pytest.approx(max(result.mem_usage), abs=0.006)
    assert 48 <= float(said[2]) <= 60
    assert len(shell.user_ns["x"]) == 50 * MIB


def test_turns_and_setup(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    # the setup's memory is no part of what is measured; the cell sees its names
    result = shell.run_cell_magic(
        "memit", "-r 3 -q -o -i 0.01 turns = []; before = bytearray(30 << 20)", "turns.append(len(before))"
    )
    assert capsys.readouterr().out == ""
    assert shell.user_ns["turns"] == [30 * MIB] * 3
    assert len(result.mem_usage) == 3
    assert max(result.mem_usage) - result.baseline < 20
    with pytest.raises(UsageError, match="-r takes a number"):
        shell.run_line_magic("memit", "-r many 1")
    with pytest.raises(SyntaxError):
        shell.run_line_magic("memit", "1 +")
