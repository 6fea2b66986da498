"""Tests that a function leaves nothing behind: for unittest, and for pytest the fixture leak_loop.

    from heaplens.testing import MemoryLeakTestCase

    class TestLeaks(MemoryLeakTestCase):
        def test_parse(self):
            self.execute(spam.parse, b"...")
        def test_error_path(self):
            self.execute_w_exc(ValueError, spam.parse, b"broken")

Names and options are those of psleak, so that moving from it is a rename. What differs: the
interpreter may be any stock one with its own allocator (no PYTHONMALLOC=malloc), other threads may
run, and the message names the object that is lost and, where known, the line that made it.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import threading
import unittest
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Union

from heaplens._audit import in_rounds
from heaplens._error import Error as HeaplensError
from heaplens._heap import remove_folder, temporary_folder
from heaplens._native import ask

__all__ = [
    "Checkers",
    "Error",
    "LeakTest",
    "LeakTestMixin",
    "MemoryLeakError",
    "MemoryLeakTestCase",
    "UnclosedFdError",
    "UnclosedNativeThreadError",
    "UnclosedPythonThreadError",
    "UnclosedResourceError",
    "UncollectableGarbageError",
]

_ROUNDS = 8
_Tolerance = Union[int, float, "dict[str, int]"]
_TOLERANCES = ("heap", "mmap", "uss", "rss", "vms")


class Error(AssertionError):
    """What a call leaves behind."""


class UnclosedResourceError(Error):
    """Something that is no memory: a file, a thread."""

    resource_name = "resource"
    verb = "unclosed"

    def __init__(self, count: int, fun_name: str, extras: Any = None) -> None:
        self.count, self.fun_name, self.extras = count, fun_name, extras
        plural = "s" if count > 1 else ""
        message = (
            f"detected {count} {self.verb} {self.resource_name}{plural} "
            f"after calling {fun_name!r} 1 time"
        )
        if extras:
            message += ":" + "".join(f"\n* {extra!r}" for extra in extras)
        super().__init__(message)


class UnclosedFdError(UnclosedResourceError):
    """A file descriptor is still open after one call."""

    resource_name = "file descriptor"


class UnclosedNativeThreadError(UnclosedResourceError):
    """A thread that is none of Python's still runs after one call."""

    resource_name = "native C thread"


class UnclosedPythonThreadError(UnclosedResourceError):
    """A threading.Thread still runs after one call."""

    resource_name = "Python thread"


class UncollectableGarbageError(UnclosedResourceError):
    """Cycles are left that no collection frees."""

    resource_name = "GC object"
    verb = "uncollectable"


class MemoryLeakError(Error):
    """References, objects or native memory are left by each call."""

    def __init__(self, message: str, findings: list[dict[str, Any]]) -> None:
        super().__init__(message)
        self.findings = findings  # as the JSON of a diagnosis has them


@dataclass(frozen=True)
class Checkers:
    """Which checks are made. handles is psleak's, of Windows, and checks nothing here."""

    memory: bool = True
    fds: bool = True
    handles: bool = True
    c_threads: bool = True
    py_threads: bool = True
    gcgarbage: bool = True

    @classmethod
    def _flags(cls, names: tuple[str, ...], chosen: bool) -> Checkers:
        fields = list(cls.__dataclass_fields__)
        wrong = [name for name in names if name not in fields]
        if wrong:
            raise ValueError(f"invalid checker names: {', '.join(wrong)}")
        return cls(**{field: (field in names) == chosen for field in fields})

    @classmethod
    def only(cls, *checks: str) -> Checkers:
        """These, and no others."""
        return cls._flags(checks, True)

    @classmethod
    def exclude(cls, *checks: str) -> Checkers:
        """All but these."""
        return cls._flags(checks, False)


class LeakTest:
    """An entry of auto_generate(): a function, its arguments, options of execute()."""

    __slots__ = ("args", "execute_kwargs", "fun")

    def __init__(self, fun: Callable[..., object], *args: object, **execute_kwargs: Any) -> None:
        if not callable(fun):
            raise TypeError(f"'fun' must be callable (got {fun!r})")
        self.fun, self.args, self.execute_kwargs = fun, args, execute_kwargs


def _name(fun: Any) -> str:
    while isinstance(fun, functools.partial):
        fun = fun.func
    return str(getattr(fun, "__qualname__", getattr(fun, "__name__", repr(fun))))


def _entries(folder: str) -> list[str]:
    return os.listdir(folder)


def _fds() -> int:
    return len(_entries("/proc/self/fd"))


def _native_threads() -> int:
    return len(_entries("/proc/self/task"))


def _counts(checkers: Checkers) -> dict[str, int]:
    counts = {}
    if checkers.py_threads:
        counts["py_threads"] = threading.active_count()
    if checkers.fds:
        counts["fds"] = _fds()
    if checkers.c_threads:
        counts["c_threads"] = _native_threads()
    return counts


_UNCLOSED: dict[str, type[UnclosedResourceError]] = {
    "py_threads": UnclosedPythonThreadError,
    "fds": UnclosedFdError,
    "c_threads": UnclosedNativeThreadError,
}


def _check_counters(call: Callable[[], object], name: str, checkers: Checkers) -> None:
    """What one call leaves open; a second one confirms it: what is opened only once is no leak."""
    for turn in (1, 2):
        threads = set(threading.enumerate())
        before = _counts(checkers)
        call()
        gc.collect()
        after = _counts(checkers)
        wrong = [what for what in before if after[what] > before[what]]
        if not wrong:
            return
        if turn == 2:
            what = wrong[0]
            extras = (set(threading.enumerate()) - threads) if what == "py_threads" else None
            raise _UNCLOSED[what](after[what] - before[what], name, extras)


def _sentence(finding: dict[str, Any]) -> str:
    lines = [f"{finding['title']}  [{finding['cause']}, {finding['confidence']}]"]
    for site in finding["allocated_at"][:3]:
        lines.append(f"    made at {site['file']}:{site['line']} in {site['function']}")
    lines += [f"    {text}" for text in finding["evidence"]]
    lines.append(f"    fix: {finding['fix']}")
    return "\n".join(lines)


def _per_call(tolerance: _Tolerance, times: int) -> float:
    if isinstance(tolerance, dict):
        return tolerance.get("heap", 0) / times
    return float(tolerance) / times


def _findings(answer: dict[str, Any], checkers: Checkers) -> list[dict[str, Any]]:
    wanted = []
    for finding in answer["findings"]:
        cycle = finding["cause"] == "reference-cycle"
        sure = finding["confidence"] in ("strong", "certain")
        if sure and (checkers.gcgarbage if cycle else checkers.memory):
            wanted.append(finding)
    return wanted


def _recorded(
    call: Callable[[], object],
    *,
    warmup_times: int,
    times: int,
    tolerance: float,
    trim: Callable[[], object] | None,
) -> dict[str, Any]:
    folder = temporary_folder()
    path = os.path.join(folder, "leak.hlens")
    try:
        in_rounds(
            call,
            path,
            os.path.basename(sys.argv[0]) or "python",
            warmup=warmup_times,
            calls=times,
            rounds=_ROUNDS,
            trim=trim,
        )
        answer: dict[str, Any] = ask("diagnose", path, "--tolerance", repr(tolerance))
        return answer
    finally:
        remove_folder(folder, os.getpid())


def _validated(
    warmup_times: int,
    times: int,
    retries: int,
    tolerance: _Tolerance,
    trim_callback: Callable[[], object] | None,
) -> None:
    for name, value, least in (
        ("warmup_times", warmup_times, 0),
        ("times", times, 2),
        ("retries", retries, 1),
    ):
        if not isinstance(value, int):
            raise TypeError(f"{name!r} must be instance of int (got {value!r})")
        if value < least:
            raise ValueError(f"{name} must be >= {least} (got {value})")
    if not isinstance(tolerance, (int, float, dict)):
        raise TypeError(f"'tolerance' must be instance of int or dict (got {tolerance!r})")
    allowed = tolerance if isinstance(tolerance, dict) else {"heap": tolerance}
    for key, limit in allowed.items():
        if key not in _TOLERANCES:
            raise ValueError(f"invalid tolerance key {key!r}")
        if limit < 0:
            raise ValueError(f"tolerance must be >= 0 (got {limit!r})")
    if trim_callback is not None and not callable(trim_callback):
        raise TypeError(f"'trim_callback' must be callable (got {trim_callback!r})")


def check(
    fun: Callable[[], object],
    *,
    name: str,
    warmup_times: int = 10,
    times: int = 200,
    retries: int = 10,
    tolerance: _Tolerance = 0,
    trim_callback: Callable[[], object] | None = None,
    checkers: Checkers | None = None,
    verbosity: int = 0,
) -> None:
    """Raises one of the errors above if calls of fun leave something behind."""
    checks = checkers if checkers is not None else Checkers()
    _validated(warmup_times, times, retries, tolerance, trim_callback)
    fun()
    _check_counters(fun, name, checks)
    if not (checks.memory or checks.gcgarbage):
        return
    for turn in range(1, retries + 1):
        try:
            answer = _recorded(
                fun,
                warmup_times=warmup_times,
                times=times,
                tolerance=_per_call(tolerance, times),
                trim=trim_callback,
            )
        except HeaplensError as why:
            raise unittest.SkipTest(f"heaplens cannot look here: {why}") from why
        found = _findings(answer, checks)
        if not found:
            return
        message = "\n".join(_sentence(finding) for finding in found)
        if verbosity:
            print(f"run {turn}: {message}")
        # counts that are the same in every round are no noise, which another run would not show
        if any(f["confidence"] == "certain" for f in found) or turn == retries:
            break
        times = int(times * 1.5)
    if all(finding["cause"] == "reference-cycle" for finding in found):
        objects = int(max(1, found[0]["growth"]["per_round"] or 1))
        error = UncollectableGarbageError(objects, name)
        error.args = (f"{error.args[0]}\n{message}",)
        raise error
    raise MemoryLeakError(f"calling {name!r} {times} times leaves something:\n{message}", found)


class LeakTestMixin:
    """execute() and its options, for a class of tests of your own: beside unittest.TestCase."""

    # Calls before the first look.
    warmup_times = 10
    # Calls in each round; there are eight.
    times = 200
    # How often it is tried again, with more calls, where the growth is not the same in each round.
    retries = 10
    # Bytes, or references, that `times` calls may leave.
    tolerance: _Tolerance = 0
    # Frees caches before each look.
    trim_callback: Callable[[], object] | None = None
    checkers = Checkers()
    # 1: says what is found in each try.
    verbosity = 0

    @classmethod
    def auto_generate(cls) -> dict[str, LeakTest]:
        """{name: LeakTest}: a test_leak_NAME is made of each. Override in subclasses."""
        return {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        calls = cls.auto_generate()
        if not isinstance(calls, dict):
            raise TypeError(f"{cls.__name__}.auto_generate must return a dict")
        for name, entry in calls.items():
            if not isinstance(entry, LeakTest):
                raise TypeError(f"{cls.__name__}.auto_generate()[{name!r}] must be a LeakTest")
            test_name = f"test_leak_{name}"
            if test_name in cls.__dict__:
                raise RuntimeError(f"{cls.__name__} already defines {test_name}")
            setattr(cls, test_name, cls._made_test(test_name, entry))

    @staticmethod
    def _made_test(test_name: str, entry: LeakTest) -> Callable[[Any], None]:
        def test(self: Any) -> None:
            self.execute(entry.fun, *entry.args, **entry.execute_kwargs)

        test.__name__ = test.__qualname__ = test_name
        test.__doc__ = f"No leak in {_name(entry.fun)}"
        return test

    def call(self, fun: Callable[[], object]) -> object:
        return fun()

    def execute(
        self,
        fun: Callable[..., object],
        *args: object,
        warmup_times: int | None = None,
        times: int | None = None,
        retries: int | None = None,
        tolerance: _Tolerance | None = None,
        trim_callback: Callable[[], object] | None = None,
        checkers: Checkers | None = None,
    ) -> None:
        """Calls fun(*args) in rounds; raises if something is left. Options override the class's."""
        called = functools.partial(fun, *args) if args else fun
        trim = trim_callback if trim_callback is not None else self.trim_callback
        check(
            functools.partial(self.call, called),
            name=_name(fun),
            warmup_times=self.warmup_times if warmup_times is None else warmup_times,
            times=self.times if times is None else times,
            retries=self.retries if retries is None else retries,
            tolerance=self.tolerance if tolerance is None else tolerance,
            trim_callback=trim,
            checkers=self.checkers if checkers is None else checkers,
            verbosity=self.verbosity,
        )

    def execute_w_exc(
        self,
        exc: type[BaseException] | tuple[type[BaseException], ...],
        fun: Callable[..., object],
        *args: object,
        **kwargs: Any,
    ) -> None:
        """The same of a function that raises exc on every call."""
        called = functools.partial(fun, *args) if args else fun

        @functools.wraps(fun)
        def call() -> None:
            try:
                self.call(called)
            except exc:
                return
            raise AssertionError(f"{_name(fun)!r} did not raise {exc}")

        self.execute(call, **kwargs)


class MemoryLeakTestCase(LeakTestMixin, unittest.TestCase):
    """psleak.MemoryLeakTestCase, by heaplens."""
