"""memory_profiler 0.61 by its own names, on heaplens' exact lines.

    from heaplens.compat.memory_profiler import profile, memory_usage

What it prints and returns has the shape and the meaning of the original's; numbers of lines come
from native code (heaplens._lines). IPython's magics: `%load_ext heaplens.compat.memory_profiler`.
"""

from __future__ import annotations

import builtins
import functools
import inspect
import io
import linecache
import logging
import os
import runpy
import subprocess
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from heaplens._lines import Lines, mebibytes, net

__version__ = "0.61.0"
_MIB = float(2**20)
_BACKENDS = ("psutil", "psutil_pss", "psutil_uss", "posix", "tracemalloc")
_KINDS = {"psutil_pss": "pss", "psutil_uss": "uss"}


def choose_backend(new_backend: str | None = None) -> str:
    """The backend by this name; all are there, none needs psutil."""
    if new_backend is not None and new_backend not in _BACKENDS:
        raise KeyError(new_backend)
    return new_backend or "psutil"


# ---- how much a process has ---------------------------------------------------------------------


def _parents() -> dict[int, int]:
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as stat:
                    found[int(name)] = int(stat.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
    return found


def _children(pid: int, without: int = 0) -> list[int]:
    """Processes it started, and those they started."""
    parents, found, seen = _parents(), [pid], 0
    while seen < len(found):
        found += [c for c, p in parents.items() if p == found[seen] and c not in (*found, without)]
        seen += 1
    return found[1:]


def _child_memory(pid: int, kind: str = "rss") -> Iterator[tuple[int, float]]:
    for child in _children(os.getpid() if pid == -1 else pid):
        try:
            yield child, mebibytes(child, kind=kind)
        except OSError:
            continue


def _get_memory(
    pid: int,
    backend: str,
    timestamps: bool = False,
    include_children: bool = False,
    filename: str | None = None,
) -> Any:
    if backend == "tracemalloc":
        if filename is None or filename == "<unknown>":
            raise RuntimeError("There is no access to source file of the profiled function")
        memory = net() / _MIB
    else:
        kind = _KINDS.get(backend, "rss")
        try:
            memory = mebibytes(pid, kind=kind)
        except FileNotFoundError:
            raise ProcessLookupError(f"process PID not found (pid={pid})") from None
        if include_children:
            memory += sum(size for _, size in _child_memory(pid, kind))
    return (memory, time.time()) if timestamps else memory


# Runs beside the program, in a process of its own, which no lock of the program's holds up. It says
# what it saw in one line, after the pipe's other end has spoken or gone.
_SAMPLER = """
import os, select, sys, time
pid, interval = int(sys.argv[1]), float(sys.argv[2])
kind, children = sys.argv[3], sys.argv[4] == "1"
page = os.sysconf("SC_PAGE_SIZE")
def one(pid):
    if kind == "rss":
        with open("/proc/%d/statm" % pid) as f:
            return int(f.read().split()[1]) * page / 2**20
    names = ("Pss:",) if kind == "pss" else ("Private_Clean:", "Private_Dirty:")
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(r.split()[1]) for r in f if r.split()[0] in names) / 2**10
def below():
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open("/proc/%s/stat" % name) as f:
                    parents[int(name)] = int(f.read().rpartition(")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                pass
    found = [pid]
    for p in found:
        found += [c for c, q in parents.items() if q == p and c not in found and c != os.getpid()]
    return found[1:]
def look():
    m = one(pid)
    for c in below() if children else ():
        try:
            m += one(c)
        except OSError:
            pass
    return m, time.time()
seen = [look()]
sys.stdout.write("\\n"); sys.stdout.flush()
while True:
    try:
        seen.append(look())
    except OSError:
        break
    if select.select([0], [], [], interval)[0]:
        try:
            seen.append(look())
        except OSError:
            pass
        break
sys.stdout.write(" ".join("%r:%r" % s for s in seen) + "\\n")
"""


class _Sampler:
    def __init__(self, interval: float, backend: str, include_children: bool) -> None:
        words = [str(os.getpid()), repr(float(interval)), _KINDS.get(backend, "rss")]
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _SAMPLER, *words, "1" if include_children else "0"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "\n":
            self._process.kill()
            self._process.communicate()
            raise RuntimeError(f"{sys.executable} does not run as a process that samples memory")

    def end(self) -> list[tuple[float, float]]:
        text = self._process.communicate("\n")[0]
        pairs = (word.partition(":") for word in text.split())
        return [(float(memory), float(when)) for memory, _, when in pairs]


def _call_of(proc: Any) -> tuple[Any, Any, Any]:
    if callable(proc):
        return proc, (), {}
    if not 1 <= len(proc) <= 3:
        raise ValueError("a function to run is given as (f, args, keywords)")
    return (*proc, *((), {})[len(proc) - 1 :])


def _of_function(
    proc: Any,
    interval: float,
    timestamps: bool,
    include_children: bool,
    max_usage: bool,
    retval: bool,
    backend: str,
    iterations: float,
) -> Any:
    function, args, keywords = _call_of(proc)
    done = 0
    while True:
        done += 1
        sampler = _Sampler(interval, backend, include_children)
        try:
            returned = function(*args, **keywords)
        finally:
            seen = sampler.end()
        result: Any = [pair if timestamps else pair[0] for pair in seen]
        if max_usage:
            result = max(result)
        # what is too short to be seen is run again, more closely
        if len(seen) > 4 or done == iterations or interval < 1e-6:
            return (result, returned) if retval else result
        interval /= 10.0


def _of_process(
    pid: int,
    alive: Callable[[], bool],
    interval: float,
    timestamps: bool,
    include_children: bool,
    multiprocess: bool,
    max_usage: bool,
    stream: Any,
    backend: str,
    iterations: float,
) -> Any:
    result: Any = -1 if max_usage else []
    done = 0
    while done < iterations:
        done += 1
        if max_usage:
            now = _get_memory(pid, backend, include_children=include_children, filename="")
            result = max(result, now)
        else:
            seen = _get_memory(pid, backend, timestamps, include_children, filename="")
            if stream is not None:
                stream.write("MEM {:.6f} {:.4f}\n".format(*seen))
                for child, size in _child_memory(pid) if multiprocess else ():
                    stream.write(f"CHLD {child} {size:.6f} {time.time():.4f}\n")
            elif multiprocess:
                result.append([seen, *_child_memory(pid)])
            else:
                result.append(seen)
        time.sleep(interval)
        if stream is not None and done % 50 == 0:
            stream.flush()
        if not alive():
            break
    return None if stream else result


def memory_usage(
    proc: Any = -1,
    interval: float = 0.1,
    timeout: float | None = None,
    timestamps: bool = False,
    include_children: bool = False,
    multiprocess: bool = False,
    max_usage: bool = False,
    retval: bool = False,
    stream: Any = None,
    backend: str | None = None,
    max_iterations: int | None = None,
) -> Any:
    """Memory of a process (a number, text, a Popen) or during a call ((f, args, keywords)), in MiB.

    A list, one entry an interval; with max_usage the most of them; with retval a pair of that and
    what the call returned. stream: lines for mprof are written to it instead.
    """
    backend = choose_backend(backend)
    timestamps = timestamps or stream is not None
    if timeout is not None:
        iterations: float = int(round(timeout / interval))
    elif isinstance(proc, int):
        iterations = 1
    else:
        iterations = float("inf") if max_iterations is None else max_iterations
    if callable(proc) or isinstance(proc, (list, tuple)):
        result = _of_function(
            proc, interval, timestamps, include_children, max_usage, retval, backend, iterations
        )
        return None if stream else result
    popen = proc if isinstance(proc, subprocess.Popen) else None
    if popen is None and timeout is None:
        iterations = 1 if max_iterations is None else max_iterations
    return _of_process(
        int(proc.pid if popen else proc),
        (lambda: popen.poll() is None) if popen else (lambda: True),
        interval,
        timestamps,
        include_children,
        multiprocess,
        max_usage,
        stream,
        backend,
        iterations if popen is None or timeout is not None else float("inf"),
    )


# ---- lines --------------------------------------------------------------------------------------


class CodeMap(dict):  # type: ignore[type-arg]
    """By code object what its lines did: {line: (increment, memory, occurrences)}, in MiB."""

    def __init__(self, include_children: bool, backend: str) -> None:
        super().__init__()
        self._toplevel: list[tuple[str, types.CodeType, range]] = []
        self.include_children = include_children
        self.backend = backend

    def items(self) -> Iterator[tuple[str, Iterator[tuple[int, Any]]]]:  # type: ignore[override]
        for filename, code, numbers in self._toplevel:
            measures = self[code]
            if measures:
                yield filename, ((number, measures.get(number)) for number in numbers)


def _generator_steps(prof: Any, inner: Any) -> Any:
    """Each step of a generator or a coroutine is profiled, and nothing between them."""
    step, arg = inner.send, None
    while True:
        try:
            with prof:
                out = step(arg)
        except StopIteration as end:
            return end.value
        try:
            arg = yield out
            step = inner.send
        except GeneratorExit:
            with prof:
                inner.close()
            raise
        except BaseException as why:
            step, arg = inner.throw, why


class _Steps:
    def __init__(self, prof: Any, inner: Any) -> None:
        self._prof, self._inner = prof, inner

    def __await__(self) -> Any:
        return _generator_steps(self._prof, self._inner)


def _wrapped(func: Any, begin: Callable[[], Any], end: Callable[[Any], object]) -> Any:
    """func in what begin returns, whatever kind of function it is; end(that) is called after."""
    if isinstance(func, (staticmethod, classmethod)):
        return type(func)(_wrapped(func.__func__, begin, end))
    wrapper: Any
    if inspect.iscoroutinefunction(func):

        @functools.wraps(func)
        async def wrapper(*args: Any, **keywords: Any) -> Any:
            prof = begin()
            result = await _Steps(prof, func(*args, **keywords))
            end(prof)
            return result

    elif inspect.isasyncgenfunction(func):

        @functools.wraps(func)
        async def wrapper(*args: Any, **keywords: Any) -> Any:
            prof = begin()
            inner = func(*args, **keywords)
            step, arg = inner.asend, None
            try:
                while True:
                    try:
                        out = await _Steps(prof, step(arg))
                    except StopAsyncIteration:
                        break
                    try:
                        arg = yield out
                        step = inner.asend
                    except GeneratorExit:
                        raise
                    except BaseException as why:
                        step, arg = inner.athrow, why
            finally:
                await inner.aclose()
            end(prof)

    elif inspect.isgeneratorfunction(func):

        @functools.wraps(func)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            prof = begin()
            result = yield from _generator_steps(prof, func(*args, **keywords))
            end(prof)
            return result

    else:

        @functools.wraps(func)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            prof = begin()
            with prof:
                result = func(*args, **keywords)
            end(prof)
            return result

    return wrapper


class LineProfiler:
    """Memory of each line of functions it is called with: @profiler, or profiler(function)."""

    def __init__(self, **kw: Any) -> None:
        self.include_children = kw.get("include_children", False)
        self.backend = choose_backend(kw.get("backend"))
        self.max_mem: float | None = kw.get("max_mem")
        self.enable_count = 0
        self._lines = Lines(everywhere=kw.get("everywhere", True))
        self._codes: list[types.CodeType] = []
        self._before: Any = None
        if self.include_children or self.backend in _KINDS:
            warnings.warn(
                "lines are measured by the resident memory of this process alone", stacklevel=2
            )

    def __call__(self, func: Any = None, precision: int = 1) -> Any:
        if func is None:
            return lambda function: self(function, precision=precision)
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Any) -> None:
        """Its lines will be recorded."""
        func = getattr(func, "__func__", func)
        code = getattr(func, "__code__", None)
        if code is None:
            warnings.warn(f"Could not extract a code object for the object {func!r}", stacklevel=2)
        elif code not in self._codes:
            # what was typed in a notebook is in no file, and known nevertheless
            if not os.path.exists(code.co_filename) and not linecache.getlines(code.co_filename):
                print("ERROR: Could not find file " + code.co_filename)
                return
            self._codes.append(code)
            self._lines.choose(code)

    def wrap_function(self, func: Any) -> Any:
        return _wrapped(func, lambda: self, lambda prof: None)

    @property
    def code_map(self) -> CodeMap:
        """What was measured until now."""
        made = CodeMap(self.include_children, self.backend)
        for function in self._lines.functions():
            measures = {}
            for at, line in enumerate(function.lines):
                if self.backend == "tracemalloc":
                    change, memory = line.python_bytes, line.live_bytes
                else:  # what was there before counts as the first line's
                    change = line.rss_increment + (0 if at else function.rss_at_start)
                    memory = line.rss
                measures[line.line] = (change / _MIB, memory / _MIB, line.occurrences)
            source, first = inspect.getsourcelines(function.code)
            made._toplevel.append((function.file, function.code, range(first, first + len(source))))
            todo = [function.code]
            while todo:
                code = todo.pop()
                made[code] = measures
                todo += [c for c in code.co_consts if inspect.iscode(c)]
        return made

    def runctx(self, cmd: Any, globals: Any, locals: Any) -> LineProfiler:
        with self:
            exec(cmd, globals, locals)
        return self

    def enable_by_count(self) -> None:
        if self.enable_count == 0:
            self.enable()
        else:
            self._lines.enable()  # on this thread, too
        self.enable_count += 1

    def disable_by_count(self) -> None:
        if self.enable_count > 0:
            self.enable_count -= 1
            if self.enable_count == 0:
                self.disable()
            else:
                self._lines.disable()

    def __enter__(self) -> None:
        self.enable_by_count()

    def __exit__(self, exc_type: object, exc_val: object, exc_tb: object) -> None:
        self.disable_by_count()

    def enable(self) -> None:
        if self.max_mem is not None:
            self._before = sys.gettrace()
            sys.settrace(self._stop_above)
        self._lines.enable()

    def disable(self) -> None:
        self._lines.disable()
        if self.max_mem is not None:
            sys.settrace(self._before)

    def _stop_above(self, frame: Any, event: str, arg: object) -> Any:
        if self.max_mem is not None and event in ("line", "return") and frame.f_code in self._codes:
            now = mebibytes()
            if now >= self.max_mem:
                print(
                    f"Current memory {now:.2f} MiB exceeded the maximum of {self.max_mem:.2f} MiB"
                )
                print("Stepping into the debugger ")
                import pdb

                sys.settrace(None)
                pdb.Pdb().set_trace(frame)
        return self._stop_above


def show_results(prof: LineProfiler, stream: Any = None, precision: int = 1) -> None:
    """The table: a row for each line of each function that ran."""
    stream = sys.stdout if stream is None else stream
    template = "{0:>6} {1:>12} {2:>12}  {3:>10}   {4:<}"
    number = f"{{:{precision + 4}.{precision}f}} MiB"
    header = template.format("Line #", "Mem usage", "Increment", "Occurrences", "Line Contents")
    for filename, lines in prof.code_map.items():
        stream.write(f"Filename: {filename}\n\n{header}\n{'=' * len(header)}\n")
        text = linecache.getlines(filename)
        for line, measured in lines:
            columns = ("", "", "")
            if measured:
                change, memory, times = measured
                columns = (number.format(memory), number.format(change), times)
            contents = text[line - 1] if line <= len(text) else "\n"
            stream.write(template.format(line, *columns, contents))
        stream.write("\n\n")


_counted: Lines | None = None  # once something is decorated, what is made is known when it goes


def profile(
    func: Any = None, stream: Any = None, precision: int = 1, backend: str = "psutil"
) -> Any:
    """Each call of the function prints its table when it returns; @profile or @profile(...)."""
    global _counted
    backend = choose_backend(backend)
    if func is None:
        return lambda f: profile(f, stream=stream, precision=precision, backend=backend)
    _counted = _counted or Lines()

    def begin() -> LineProfiler:
        prof = LineProfiler(backend=backend, everywhere=False)
        prof.add_function(func)
        return prof

    def end(prof: LineProfiler) -> None:
        show_results(prof, stream=stream, precision=precision)
        prof._lines.close()

    return _wrapped(func, begin, end)


# ---- times --------------------------------------------------------------------------------------


class TimeStamper:
    """Only when decorated functions begin and end, and what the process has then: for mprof."""

    def __init__(self, backend: str, include_children: bool = False) -> None:
        self.functions: dict[Any, list[list[tuple[float, float]]]] = {}
        self.stack: dict[Any, list[int]] = {}
        self.backend = choose_backend(backend)
        self.include_children = include_children
        self.current_stack_level = -1

    def __call__(self, func: Any = None, precision: int | None = None) -> Any:
        if func is None:
            return lambda f: self(f, precision=precision)
        if not callable(func):
            raise ValueError("Value must be callable")
        self.add_function(func)
        return self.wrap_function(func)

    def add_function(self, func: Any) -> None:
        self.functions.setdefault(func, [])
        self.stack.setdefault(func, [])

    @contextmanager
    def _during(self, func: Any) -> Iterator[None]:
        times = [_get_memory(-1, self.backend, True, self.include_children, "")]
        self.current_stack_level += 1
        self.functions[func].append(times)
        self.stack[func].append(self.current_stack_level)
        try:
            yield
        finally:
            self.current_stack_level -= 1
            times.append(_get_memory(-1, self.backend, True, self.include_children, ""))

    def wrap_function(self, func: Any) -> Any:
        @functools.wraps(func)
        def wrapper(*args: Any, **keywords: Any) -> Any:
            with self._during(func):
                return func(*args, **keywords)

        return wrapper

    def timestamp(self, name: str = "<block>") -> Any:
        def block() -> None: ...

        block.__module__, block.__name__ = "", name
        self.add_function(block)
        return self._during(block)

    def show_results(self, stream: Any = None) -> None:
        stream = sys.stdout if stream is None else stream
        for func, calls in self.functions.items():
            for times, level in zip(calls, self.stack[func]):
                if len(times) == 2:  # it has ended
                    figures = "{:.4f} {:.4f} {:.4f} {:.4f}".format(*times[0], *times[1])
                    stream.write(f"FUNC {func.__module__}.{func.__name__} {figures} {level}\n")


class LogFile:
    """A stream whose lines go to a logger; reportIncrementFlag: only those of lines that grew."""

    def __init__(self, name: str | None = None, reportIncrementFlag: bool = False) -> None:
        self.logger = logging.getLogger(name)
        self.reportIncrementFlag = reportIncrementFlag

    def write(self, msg: str, level: int = logging.INFO) -> None:
        if self.reportIncrementFlag:
            cells = msg.split("MiB")
            grew = len(cells) > 2 and float(cells[1].strip()) > 0
            if not grew and "Filename:" not in msg and "Line Contents" not in msg:
                return
        self.logger.log(level, msg)

    def flush(self) -> None:
        for handler in self.logger.handlers:
            handler.flush()


# ---- IPython ------------------------------------------------------------------------------------


def load_ipython_extension(ipython: Any) -> None:
    """%load_ext heaplens.compat.memory_profiler: %mprun and %memit."""
    from heaplens.compat._magics import MemoryProfilerMagics

    ipython.register_magics(MemoryProfilerMagics)


# ---- the command --------------------------------------------------------------------------------


def _find_script(name: str) -> str:
    for folder in ("", *os.get_exec_path()):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            return path
    sys.stderr.write(f"Could not find script {name}\n")
    raise SystemExit(1)


def _run_script(path: str, profiler: Any, words: list[str]) -> None:
    builtins.__dict__["profile"] = profiler
    sys.path.insert(0, os.path.dirname(path))
    sys.argv = [path, *words]
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins, profile=profiler)
    sys.modules["__main__"] = main
    with io.open_code(os.path.abspath(path)) as script:
        code = compile(script.read(), path, "exec")
    exec(code, main.__dict__)


def _run_module(name: str, profiler: Any, words: list[str]) -> None:
    builtins.__dict__["profile"] = profiler
    sys.argv = [name, *words]
    runpy.run_module(name, run_name="__main__", init_globals={"profile": profiler}, alter_sys=True)


def _main() -> None:
    from argparse import REMAINDER, ArgumentParser

    parser = ArgumentParser(usage="python -m heaplens.compat.memory_profiler script.py")
    parser.add_argument("--version", action="version", version=__version__)
    parser.add_argument("--pdb-mmem", dest="max_mem", metavar="MAXMEM", type=float)
    parser.add_argument("--precision", type=int, default=3)
    parser.add_argument("-o", dest="out_filename")
    parser.add_argument("--timestamp", action="store_true")
    parser.add_argument("--include-children", dest="include_children", action="store_true")
    parser.add_argument("--backend", choices=_BACKENDS, default="psutil")
    parser.add_argument("program", nargs=REMAINDER)
    args = parser.parse_args()
    if not args.program:
        print("A program to run must be provided. Use -h for help")
        sys.exit(1)
    target, words = args.program[0], args.program[1:]
    prof: Any
    if args.timestamp:
        prof = TimeStamper(args.backend, include_children=args.include_children)
    else:
        prof = LineProfiler(
            max_mem=args.max_mem, backend=args.backend, include_children=args.include_children
        )
    try:
        if target.endswith(".py"):
            _run_script(_find_script(target), prof, words)
        else:
            _run_module(target, prof, words)
    finally:
        stream = open(args.out_filename, "a") if args.out_filename else sys.stdout
        if args.timestamp:
            prof.show_results(stream=stream)
        else:
            show_results(prof, precision=args.precision, stream=stream)
        if stream is not sys.stdout:
            stream.close()


if __name__ == "__main__":
    _main()
