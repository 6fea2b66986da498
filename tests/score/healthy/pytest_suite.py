"""Writes a test suite of 60 files and runs it with pytest, in this process."""
import sys
from pathlib import Path

import pytest

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

CONFTEST = '''
import pytest

@pytest.fixture(scope="session")
def table():
    return {n: n * n for n in range(1000)}

@pytest.fixture
def basket(tmp_path):
    file = tmp_path / "basket.txt"
    file.write_text("apple\\npear\\n" * 50)
    yield file
'''
TEST = '''
import math
import pytest

@pytest.mark.parametrize("n", range(20))
def test_table(table, n):
    assert table[n] == n ** 2

def test_lines(basket):
    assert basket.read_text().count("pear") == 50

def test_prints(capsys):
    print("x" * 1000)
    assert len(capsys.readouterr().out) == 1001

def test_raises():
    with pytest.raises(ValueError, match="math domain error|expected a nonnegative input"):
        math.sqrt(-{number} - 1)

def test_patch(monkeypatch):
    monkeypatch.setattr(math, "pi", {number})
    assert math.pi == {number}

class TestTogether:
    @pytest.fixture(autouse=True)
    def big(self):
        self.data = list(range(10000))

    def test_sum(self):
        assert sum(self.data) == 49995000

    def test_max(self):
        assert max(self.data) == 9999
'''

folder = Path("suite")
folder.mkdir()
(folder / "conftest.py").write_text(CONFTEST)
for number in range(int(60 * SIZE)):
    (folder / f"test_part{number}.py").write_text(TEST.replace("{number}", str(number)))
status = pytest.main(["-q", "-p", "no:cacheprovider", str(folder)])
print("status", int(status))
