"""What cannot be audited: a clear word for each, and the exit status that goes with it."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from audits import EXE, audit

PROGRAMS = """
import os, random, sys, threading, time

calls = 0
kept = []
word = "no function"


def late():
    global calls
    calls += 1
    return calls > 300


def hangs():
    time.sleep(1000)


def hangs_later():
    if late():
        time.sleep(1000)


def raises():
    raise ValueError("broken input")


def raises_later():
    if late():
        raise ValueError("broken input")


def crashes():
    if late():
        os.abort()


def leaves():
    os._exit(7)


def exits():
    sys.exit(4)


def prints():
    print("hello")


def forks():
    child = os.fork()
    if not child:
        return "a child that comes back"
    os.waitpid(child, 0)


def starts_threads():
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()


def different_garbage():
    kept = [[] for _ in range(random.randrange(9))]
    kept.append(kept)


def keeps_some():
    kept.extend(object() for _ in range(random.randrange(9)))


async def coroutine():
    pass


def takes(one, two=2):
    return [one] * two
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "bad.py").write_text(PROGRAMS)
    (tmp_path / "no_import.py").write_text("import there_is_no_such_module\n")
    (tmp_path / "syntax.py").write_text("def (\n")
    return tmp_path


REFUSED = [
    ("no_such_module:f", 3, "cannot import no_such_module"),
    ("no_import:f", 3, "No module named 'there_is_no_such_module'"),
    ("syntax:f", 3, "SyntaxError"),
    ("syntax.py", 3, "cannot compile syntax.py"),
    ("missing.py", 3, "cannot read missing.py"),
    ("bad:nothing", 3, "there is no nothing in bad"),
    ("bad:word", 3, "cannot be called: it is of type str"),
    ("_heapq", 2, "name one of its functions"),
    ("bad:raises", 3, "it raises ValueError: broken input (in its first call)"),
    ("bad:raises_later", 3, "it raises ValueError: broken input (in round"),
    ("bad:exits", 3, "it raises SystemExit: 4"),
    ("bad:leaves", 3, "ended its process with status 7"),
    ("bad:crashes", 3, "crashed its process by signal 6"),
    ("bad:coroutine", 2, "it gives a coroutine, which nobody runs"),
    ("bad:takes", 3, "missing 1 required positional argument"),
]


@pytest.mark.parametrize("target, status, words", REFUSED, ids=[row[0] for row in REFUSED])
def test_a_clear_word(folder: Path, target: str, status: int, words: str) -> None:
    done = audit(target, folder=folder)
    assert (done.status, done.diagnosis) == (status, None), done.brief()
    assert words in done.said and "Traceback" not in done.said, done.said


@pytest.mark.parametrize("function, where", [("hangs", "in its first call"),
                                             ("hangs_later", "in round")])
def test_what_hangs_is_ended(folder: Path, function: str, where: str) -> None:
    done = audit(f"bad:{function}", "--timeout", "2", folder=folder)
    assert done.status == 3 and f"bad:{function} hangs: 2 seconds without a sign" in done.said
    assert where in done.said, done.said


@pytest.mark.parametrize("function, words", [
    ("prints", "bytes, which are not shown"),
    ("forks", "what the child processes leave in themselves is not seen"),
    ("different_garbage", ""),
])
def test_nothing_is_wrong_with_it(folder: Path, function: str, words: str) -> None:
    done = audit(f"bad:{function}", folder=folder)
    assert done.status == 0 and not done.findings(), done.brief()
    assert words in done.said, done.said


def test_threads_that_stay_are_the_finding(folder: Path) -> None:
    done = audit("bad:starts_threads", "--calls", "20", folder=folder)
    causes = {cause for cause, _ in done.findings()}
    assert done.status == 1 and "thread" in causes, done.brief()
    assert not any(cause.startswith("native") for cause in causes), done.brief()
    assert "threads" in done.grows() and "leaves threads running" in done.said, done.brief()


def test_what_is_kept_has_a_holder(folder: Path) -> None:
    done = audit("bad:keeps_some", folder=folder)
    assert set(done.findings()) == {("growing-container", "bad.kept")}, done.brief()


def test_arguments(folder: Path) -> None:
    assert audit("bad:takes", "--args", "'a', two=3", folder=folder).status == 0
    done = audit("bad:takes", "--args", "1, (", folder=folder)
    assert done.status == 2 and "cannot be read as arguments" in done.said, done.said


def test_raises_another_or_nothing(folder: Path) -> None:
    assert audit("bad:raises", "--raises", "ValueError", folder=folder).status == 0
    assert audit("bad:raises", "--raises", "Exception", folder=folder).status == 0
    other = audit("bad:raises", "--raises", "KeyError", folder=folder)
    assert other.status == 3 and "it raises ValueError" in other.said, other.said
    never = audit("bad:prints", "--raises", "KeyError", folder=folder)
    assert never.status == 3 and "it did not raise KeyError" in never.said, never.said


def test_a_script_and_a_module_are_run_again_and_again(folder: Path) -> None:
    (folder / "body.py").write_text("class A: pass\na = A()\na.a = [a]\n")
    (folder / "leaks.py").write_text("import bad\nbad.kept.append([])\n")
    for target in "body.py", "body":
        assert audit(target, folder=folder).status == 0
    for target in "leaks.py", "leaks":
        assert set(audit(target, folder=folder).findings()) == {("growing-container", "bad.kept")}


def test_the_recording_is_kept_where_it_is_asked_for(folder: Path) -> None:
    before = set(os.listdir(folder))
    audit("bad:different_garbage", "--rounds", "5", folder=folder)
    assert set(os.listdir(folder)) == before
    assert audit("bad:different_garbage", "-o", "kept.hlens", folder=folder).status == 0
    assert (folder / "kept.hlens").exists()
    again = audit("bad:different_garbage", "-o", "kept.hlens", folder=folder)
    assert again.status == 2 and "is there already" in again.said, again.said


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_who_ends_it_ends_the_process_and_the_recording(tmp_path: Path, signum: int) -> None:
    (tmp_path / "slow.py").write_text("import os, time\n\ndef call():\n    open('at', 'w').write(str(os.getpid()))\n"
                                      "    time.sleep(60)\n")
    (tmp_path / "tmp").mkdir()
    env = {**os.environ, "TMPDIR": str(tmp_path / "tmp")}
    with subprocess.Popen([EXE, "audit", "slow:call"], cwd=tmp_path, env=env, stderr=subprocess.DEVNULL) as audited:
        end = time.monotonic() + 60
        while not (tmp_path / "at").exists() or not (tmp_path / "at").read_text():
            assert time.monotonic() < end and audited.poll() is None
            time.sleep(0.02)
        audited.send_signal(signum)
        assert audited.wait(60) == -signum
    assert not list((tmp_path / "tmp").iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "at").read_text()), 0)


@pytest.mark.parametrize("words", [(), ("a:b", "c:d"), ("a:b", "--rounds", "2"),
                                   ("a:b", "--tolerance", "-1"), ("a:b", "--timeout", "0"),
                                   ("a:b", "--fail-on", "sometimes")])
def test_usage(folder: Path, words: tuple[str, ...]) -> None:
    assert audit(*words, folder=folder).status == 2
