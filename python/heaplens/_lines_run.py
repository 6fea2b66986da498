"""A program run with its chosen functions told line by line: the work of `heaplens lines`.

The executable has found the interpreter and read the words; this is what it starts. The program's
output is its own: the table goes to stderr, or to a file.
"""

from __future__ import annotations

import builtins
import difflib
import importlib
import inspect
import io
import json
import os
import runpy
import sys
import traceback
import types
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from heaplens._error import Error
from heaplens._lines import Function, Lines
from heaplens._lines_table import as_data, code_of, note, table

USAGE, NOTHING = 2, 5


def _stop(text: str, status: int = USAGE) -> NoReturn:
    print(f"heaplens: lines: {text}", file=sys.stderr)
    sys.exit(status)


def functions_of(code: types.CodeType, above: str = "") -> Iterator[tuple[str, types.CodeType]]:
    """The functions of a compiled file by their dotted names."""
    for constant in code.co_consts:
        if inspect.iscode(constant):
            name = above + constant.co_name
            if not constant.co_name.startswith("<"):
                yield name, constant
            yield from functions_of(constant, name + ".")


class Program:
    """Functions that are chosen, and the words for those that are not there."""

    def __init__(self) -> None:
        self.lines = Lines(everywhere=True)
        self.chosen: list[str] = []

    def mark(self, function: Any = None, **_: Any) -> Any:
        """@profile, with and without arguments: the function itself, chosen."""
        if function is None:
            return self.mark
        code = code_of(function)
        if code is None:
            raise TypeError(f"@profile marks functions, not a {type(function).__name__}")
        self.choose(getattr(function, "__qualname__", code.co_name), code)
        return function

    def choose(self, name: str, code: types.CodeType) -> None:
        self.chosen.append(name)
        self.lines.choose(code)

    def named(self, names: list[str], code: types.CodeType | None, what: str) -> None:
        there = dict(functions_of(code)) if code is not None else {}
        for name in names:
            module, colon, rest = name.partition(":")
            if colon:
                self.choose(name, self._of_module(module, rest, name))
                continue
            found = [(n, c) for n, c in there.items() if n == name or n.endswith("." + name)]
            if not found:
                near = difflib.get_close_matches(name, there, 1)
                hint = f"did you mean {near[0]}?" if near else "MODULE:NAME names another module's"
                _stop(f"{what} has no function {name}: {hint}")
            for full, each in found:
                self.choose(full, each)

    def _of_module(self, module: str, rest: str, name: str) -> types.CodeType:
        try:
            at: Any = importlib.import_module(module)
            for part in rest.split("."):
                at = getattr(at, part)
        except (ImportError, AttributeError, ValueError) as why:
            _stop(f"--function {name}: {why}")
        code = getattr(inspect.unwrap(at) if callable(at) else at, "__code__", None)
        if not isinstance(code, types.CodeType):
            _stop(f"--function {name}: that is no function written in Python")
        return code


def _status(call: Callable[[], object]) -> int:
    """Runs the program; the exit status that it ends with."""
    try:
        call()
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException as why:
        trace = why.__traceback__
        while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
            trace = trace.tb_next  # ours is no part of the program
        traceback.print_exception(type(why), why, trace)
        return 130 if isinstance(why, KeyboardInterrupt) else 1
    return 0


def _script(program: Program, path: str, names: list[str]) -> Callable[[], object]:
    try:
        with io.open_code(os.path.abspath(path)) as script:
            code = compile(script.read(), path, "exec")
    except (OSError, SyntaxError, ValueError) as why:
        _stop(f"cannot run {path}: {getattr(why, 'strerror', None) or why}")
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    program.named(names, code, path)
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=path, __builtins__=builtins)
    sys.modules["__main__"] = main
    return lambda: exec(code, main.__dict__)


def _module(program: Program, name: str, names: list[str]) -> Callable[[], object]:
    from importlib import util

    sys.path[0] = os.getcwd()
    try:
        spec = util.find_spec(name)
        if spec is not None and spec.submodule_search_locations is not None:
            spec = util.find_spec(name + ".__main__")
    except (ImportError, ValueError) as why:
        _stop(f"cannot run module {name}: {why}")
    get_code = getattr(spec.loader, "get_code", None) if spec is not None else None
    code = get_code(spec.name) if spec is not None and get_code is not None else None
    if code is None:
        _stop(f"no module {name} to run")

    if not names:  # in the code that is run so no name could be looked up: it is compiled anew
        return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)
    program.named(names, code, name)
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=code.co_filename, __spec__=spec, __builtins__=builtins)
    main.__dict__["__package__"] = spec.parent if spec is not None else None
    sys.modules["__main__"] = main
    sys.argv[0] = code.co_filename
    return lambda: exec(code, main.__dict__)


def _say(functions: list[Function], native: bool, options: dict[str, Any]) -> None:
    if options["json"]:
        text = json.dumps(as_data(functions, native), indent=2) + "\n"
    else:
        text = "".join(part for f in functions if f.lines for part in table(f))
    if options["output"] in (None, "-"):
        stream = sys.stderr if options["output"] is None else sys.stdout
        stream.write(text)
        stream.flush()
    else:
        with open(options["output"], "w") as file:
            file.write(text)
    if not options["json"] and not options["quiet"]:
        print(f"heaplens: {note(native)}", file=sys.stderr)


def main(words: list[str]) -> None:
    options = json.loads(words[0])
    what, names = options["what"], options["functions"]
    output = options["output"]
    if output not in (None, "-") and os.path.exists(output) and not options["force"]:
        _stop(f"{output} is there already; -f overwrites it")
    try:
        program = Program()
        builtins.__dict__["profile"] = program.mark
        sys.argv = [what, *options["args"]]
        begin = _module if options["module"] else _script
        call = begin(program, what, names)
        with program.lines:
            status = _status(call)
    except Error as why:
        _stop(str(why), 3)
    functions = program.lines.functions()
    if not program.chosen:
        _stop(
            "no function was chosen: mark one @profile, or name it with --function",
            status or NOTHING,
        )
    if not any(f.lines for f in functions):
        _stop(f"{', '.join(program.chosen)}: never called", status or NOTHING)
    _say(functions, program.lines.native_counted, options)
    for function in functions:
        if not function.lines and not options["quiet"]:
            print(f"heaplens: {function.code.co_name}: never called", file=sys.stderr)
    sys.exit(status)
