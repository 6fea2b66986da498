"""A function called in rounds, with a look after each: what does a call leave behind?

The loop that `heaplens audit` runs in a process of its own, and heaplens.testing in that of a test.
It takes no more than a few objects of its own, the same ones in every round.
"""

from __future__ import annotations

import functools
import gc
import os
import sys
import time

from heaplens._core import core
from heaplens._error import Error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, NoReturn

ROUNDS, WARM_UP, CALLS = 8, 10, 100
_ROUND_SECONDS, _WARM_UP_SECONDS = 0.15, 0.6
_SIGN_EVERY, _SIGN_SECONDS = 8, 0.5
_FAILURES_MAX = 2000  # allocations of one call that are made to fail, each in turn
_BLAME_CALLS, _BLAME_SECONDS = 3, 10.0


class Stop(Exception):
    """The audit ends here: kind is one word for programs, the text a sentence for people."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


def _settle(trim: Callable[[], object] | None) -> None:
    """What is left over from the calls, and will go by itself, goes now."""
    if trim is not None:
        trim()
    for name in ("_clear_internal_caches", "_clear_type_cache"):
        clear = getattr(sys, name, None)
        if clear is not None:
            clear()
            break
    gc.collect()
    gc.collect()


def _warm(call: Callable[[], object], times: int, fixed: int | None) -> int:
    """Calls it until all is warm; how many calls a round should have."""
    begun = time.perf_counter()
    done = 0
    while done < times or (fixed is None and done < CALLS):
        call()
        done += 1
        if time.perf_counter() - begun > _WARM_UP_SECONDS and done >= min(times, 2):
            break
    if fixed is not None:
        return fixed
    each = (time.perf_counter() - begun) / max(done, 1)
    return max(1, min(CALLS, int(_ROUND_SECONDS / max(each, 1e-7))))


def in_rounds(
    call: Callable[[], object],
    path: str,
    program: str,
    *,
    warmup: int = WARM_UP,
    calls: int | None = CALLS,
    rounds: int = ROUNDS,
    trim: Callable[[], object] | None = None,
    follow: bool = True,
    say: Callable[[str], object] | None = None,
) -> int:
    """Writes a recording of rounds of calls to path, a new file; how many calls a round had."""
    inside = core()
    tell = say if say is not None else _nothing
    tell("warming up")
    n = _warm(call, warmup, calls)
    for _ in range(2):  # what the loop itself needs is there, too
        for _ in range(min(n, 4)):
            call()
        _settle(trim)
    followed = False
    if follow:
        try:
            inside.track_start(exact=True, mean=0.0, horizon=0, lists=True, windows=False)
            followed = True
            inside.native_start()
        except (RuntimeError, ValueError):
            pass  # somebody follows them already, in another way
    handle = None
    try:
        _settle(trim)
        handle = inside.watch_begin(path, program, max_snapshots=0, thread=False, counts=True)
        for number in range(1, rounds + 1):
            tell(f"in round {number} of {rounds}")
            for _ in range(n):
                call()
            _settle(trim)
            inside.watch_rounds(handle, n)
            inside.watch_look(handle, "round", True)
    except (OSError, RuntimeError) as why:
        raise Error(str(why)) from why
    finally:
        if handle is not None:
            inside.watch_end(handle)
        if followed:
            inside.native_stop()
            inside.track_stop()
    return n


def _nothing(_word: str) -> None:
    pass


# ---- the process of `heaplens audit` -------------------------------------------------------------


class _Teller:
    """Says how far it is, to the process that waits: a line each, kind and text."""

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def __call__(self, kind: str, text: str = "") -> None:
        line = f"{kind} {text}".replace("\n", " ").encode("utf-8", "replace")[:2000] + b"\n"
        try:
            os.write(self.fd, line)
        except OSError:
            pass


def _name_of(why: BaseException) -> str:
    kind = type(why)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    try:
        text = str(why)
    except Exception:
        text = ""
    return f"{name}: {text[:300]}" if text else name


def _from_module(spec: str) -> tuple[Any, dict[str, Any]]:
    import importlib

    name, _, function = spec.partition(":")
    try:
        module = importlib.import_module(name)
    except BaseException as why:
        raise Stop("import", f"cannot import {name}: {_name_of(why)}") from None
    if not function:
        return _body_of(module), vars(module)
    found: Any = module
    for part in function.split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise Stop("import", f"there is no {function} in {name}") from None
    if not callable(found):
        kind = type(found).__name__
        raise Stop("import", f"{spec} cannot be called: it is of type {kind}")
    return found, vars(module)


def _body_of(module: Any) -> Callable[[], object]:
    """The code of a module, to be run again and again."""
    loader: Any = getattr(module, "__loader__", None)
    code = None
    if hasattr(loader, "get_code"):
        code = loader.get_code(module.__name__)
    if code is None:
        names = [n for n in sorted(vars(module)) if not n.startswith("_")]
        names = [n for n in names if callable(getattr(module, n))]
        shown = ", ".join(names[:8]) or "none"
        raise Stop(
            "usage",
            f"{module.__name__} has no code of Python's to run: name one of its functions, "
            f"heaplens audit {module.__name__}:FUNCTION (it has {shown})",
        )
    return _runner(code, {"__name__": module.__name__, "__file__": module.__file__})


def _runner(code: Any, names: dict[str, Any]) -> Callable[[], object]:
    def body() -> None:
        try:
            exec(code, {**names, "__builtins__": __builtins__})
        except SystemExit as why:
            if why.code not in (None, 0):
                raise

    return body


def _from_script(path: str) -> Callable[[], object]:
    sys.argv[:] = [path]
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec", dont_inherit=True)
    except OSError as why:
        raise Stop("import", f"cannot read {path}: {why.strerror}") from None
    except (SyntaxError, ValueError) as why:
        raise Stop("import", f"cannot compile {path}: {_name_of(why)}") from None
    return _runner(code, {"__name__": "__main__", "__file__": path})


def _with_arguments(function: Any, text: str, names: dict[str, Any]) -> Callable[[], object]:
    try:
        made = eval(
            compile(f"lambda __function: __function({text})", "--args", "eval"), dict(names)
        )
    except SyntaxError as why:
        raise Stop("usage", f"--args {text!r} cannot be read as arguments: {why.msg}") from None

    def call() -> object:
        return made(function)

    return call


class _Guarded:
    """The call, and a clear word for what goes wrong in it."""

    __slots__ = ("_call", "_expects", "_owner", "_tell", "_calls", "_told")

    def __init__(self, call: Callable[[], object], expects: str | None, tell: _Teller) -> None:
        self._call, self._expects, self._owner = call, expects, os.getpid()
        self._tell, self._calls, self._told = tell, 0, time.monotonic()

    def _sign(self) -> None:
        """Many calls may take long together: that is not hanging."""
        self._calls += 1
        if self._calls % _SIGN_EVERY == 0:
            now = time.monotonic()
            if now > self._told + _SIGN_SECONDS:
                self._tell("alive")
                self._told = now

    def __call__(self) -> None:
        self._sign()
        try:
            result = self._call()
        except BaseException as why:
            if os.getpid() != self._owner:
                os._exit(0)
            names = [kind.__name__ for kind in type(why).__mro__]
            if self._expects is None or self._expects not in names:
                raise Stop("raises", f"it raises {_name_of(why)}") from None
            return
        if os.getpid() != self._owner:
            os._exit(0)  # a child it forked, that came back: the audit goes on in the parent
        if type(result).__name__ in ("coroutine", "async_generator"):
            close = getattr(result, "close", None)
            if close is not None:
                close()
            raise Stop(
                "usage",
                f"it gives a {type(result).__name__}, which nobody runs: name a function that "
                "runs it, with asyncio.run",
            )
        if self._expects is not None:
            raise Stop("raises", f"it did not raise {self._expects}")


class _Failing:
    """Calls it once for each of its allocations, that fails meanwhile."""

    __slots__ = ("_call", "_tell", "_owner", "walked")

    def __init__(self, call: Callable[[], object], tell: _Teller) -> None:
        self._call, self._tell, self._owner = call, tell, os.getpid()
        self.walked = 0

    def __call__(self) -> None:
        inside = core()
        walked = 0
        for n in range(1, _FAILURES_MAX + 1):
            self._tell("failing", str(n))
            seen, _, _ = inside.call_failing(self._call, (), n, self._tell.fd)
            if os.getpid() != self._owner:
                os._exit(0)
            if seen < n:
                break
            walked = n
        self.walked = max(self.walked, walked)

    def blame(self) -> None:
        """Says which allocation's failure leaves blocks behind, however often it fails. Each call
        finds the free lists empty, so that whatever it makes is an allocation."""
        inside = core()
        begun = time.monotonic()
        gc.enable()
        gc.freeze()  # a collection takes no longer than what the call made needs
        for n in range(1, _FAILURES_MAX + 1):
            self._tell("failing", str(n))
            done = [inside.call_failing(self._call, (), n, -1, True) for _ in range(_BLAME_CALLS)]
            if os.getpid() != self._owner:
                os._exit(0)
            if done[-1][0] < n or time.monotonic() > begun + _BLAME_SECONDS:
                break
            if min(left for _, _, left in done) > 0:
                inside.call_failing(self._call, (), n, self._tell.fd, True)
                self._tell("left", str(n))


def _options(words: list[str]) -> dict[str, Any]:
    import json

    options: dict[str, Any] = json.loads(words[0])
    return options


def main(words: list[str]) -> NoReturn:
    options = _options(words)
    tell = _Teller(options["fd"])
    owner = os.getpid()
    status = 0
    try:
        _audit(options, tell)
        tell("done")
    except Stop as why:
        tell("stop", f"{why.kind} {why}")
        status = 3
    except Error as why:
        tell("stop", f"look {why}")
        status = 3
    except BaseException as why:
        tell("stop", f"raises it raises {_name_of(why)}")
        status = 3
    if os.getpid() == owner:
        tell("end")
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except Exception:
            pass
    os._exit(status)  # an interpreter that gave references away may not live to its end


def _follow_failing(lists: bool) -> bool:
    """So that it can be said where the allocation is that fails."""
    inside = core()
    try:
        inside.track_start(exact=True, mean=0.0, horizon=0, lists=lists, windows=False)
    except (RuntimeError, ValueError):
        return False
    inside.native_start()
    return True


def _audit(options: dict[str, Any], tell: _Teller) -> None:
    tell("at", "importing")
    core().prop_shared()
    spec = options["target"]
    function: Any
    names: dict[str, Any] = {}
    if options["script"]:
        function = _from_script(spec)
    else:
        function, names = _from_module(spec)
    call = function
    if options["args"] is not None:
        call = _with_arguments(function, options["args"], names)
    threads = len(os.listdir("/proc/self/task"))
    guarded: Callable[[], object] = _Guarded(call, options["raises"], tell)
    forks: set[str] = set()
    os.register_at_fork(after_in_parent=functools.partial(forks.add, "forks"))
    tell("at", "in its first call")
    guarded()
    if len(os.listdir("/proc/self/task")) > threads:
        tell("word", "threads")
    if forks:
        tell("word", "forks")
    failing, followed = None, False
    if options["fail"]:
        failing = _Failing(call, tell)
        guarded = failing
        if options["follow"]:
            followed = _follow_failing(lists=True)
    calls = in_rounds(
        guarded,
        options["path"],
        spec,
        warmup=1 if failing else options["warmup"],
        calls=1 if failing else options["calls"] or None,
        rounds=options["rounds"],
        follow=options["follow"],
        say=lambda where: tell("at", where),
    )
    tell("calls", str(calls))
    if failing:
        tell("failures", str(failing.walked))
        tell("at", "looking for the allocations that leave something behind")
        if followed:
            core().track_stop()
            _follow_failing(lists=False)  # free lists as they are: a collection empties them
        failing.blame()
