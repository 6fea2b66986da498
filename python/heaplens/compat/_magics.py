"""%mprun and %memit of memory_profiler 0.61, for IPython and notebooks.

    %load_ext heaplens.compat.memory_profiler
    %mprun -f load load(7)
    %memit [i for i in range(1000000)]

Loaded by load_ipython_extension alone: nothing else here needs IPython.
"""

from __future__ import annotations

import builtins
import gc
import io
from typing import Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.core.page import page

from heaplens.compat import memory_profiler as compat


class MemitResult:
    """What %memit measured, in MiB: the most of each turn, and what there was before."""

    def __init__(
        self,
        mem_usage: list[float],
        baseline: float,
        repeat: int,
        timeout: int | None,
        interval: float,
        include_children: bool,
    ) -> None:
        self.mem_usage = mem_usage
        self.baseline = baseline
        self.repeat = repeat
        self.timeout = timeout
        self.interval = interval
        self.include_children = include_children

    def __str__(self) -> str:
        most = max(self.mem_usage)
        return f"peak memory: {most:.2f} MiB, increment: {most - self.baseline:.2f} MiB"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"<MemitResult : {self}>")


def _number(options: Any, letter: str, kind: Any, default: Any) -> Any:
    text = getattr(options, letter, None)
    if text is None:
        return default
    try:
        return kind(text)
    except ValueError:
        raise UsageError(f"-{letter} takes a number, not {text!r}") from None


@magics_class
class MemoryProfilerMagics(Magics):
    @line_cell_magic
    def mprun(self, parameter_s: str = "", cell: str | None = None) -> Any:
        """Memory of each line of chosen functions while a statement runs.

        %mprun -f FUNCTION [-f FUNCTION...] [-c] [-r] [-T FILE] STATEMENT, or %%mprun with a cell of
        statements. FUNCTION is an expression; functions of the notebook's own cells are told, too.
        -T: write the table to a file as well; -r: return the LineProfiler; -c: children, too.
        """
        quoted = parameter_s.replace('"', r"\"").replace("'", r"\'")
        options, statement = self.parse_options(quoted, "rf:T:c", list_all=True)
        if cell is not None:
            statement += "\n" + cell
        shell: Any = self.shell
        names = shell.user_ns
        profiler = compat.LineProfiler(include_children="c" in options)
        for name in options.get("f", []):
            try:
                function = eval(name, shell.user_global_ns, names)
            except Exception as why:
                found = f"{type(why).__name__}: {why}"
                raise UsageError(f"Could not find function {name!r}.\n{found}") from None
            profiler(function)

        nothing = object()
        before = builtins.__dict__.get("profile", nothing)
        builtins.__dict__["profile"] = profiler
        message = ""
        try:
            profiler.runctx(statement, shell.user_global_ns, names)
        except (SystemExit, KeyboardInterrupt) as why:
            message = f"*** {type(why).__name__} exception caught in code being profiled."
        finally:
            if before is nothing:
                del builtins.__dict__["profile"]
            else:
                builtins.__dict__["profile"] = before

        text = io.StringIO()
        compat.show_results(profiler, text)
        shown = text.getvalue().rstrip()
        if not shown:
            message = message or "no line of a chosen function ran: choose some with -f FUNCTION"
        page(shown)
        if message:
            print(message)
        for path in options.get("T", []):
            with open(path, "w", encoding="utf-8") as file:
                file.write(shown)
            print(f"\n*** Profile printout saved to text file {path}. {message}".rstrip())
        return profiler if "r" in options else None

    @line_cell_magic
    def memit(self, line: str = "", cell: str | None = None) -> Any:
        """The most memory the process had while a statement ran, and how much more than before.

        %memit [-rR -tT -iI -c -o -q] STATEMENT, or %%memit SETUP with a cell of statements.
        -r: so many turns; -t: seconds at most; -i: seconds between measurements (0.1);
        -c: children, too; -o: return what was measured; -q: print nothing.
        """
        options, statement = self.parse_options(line, "r:t:i:coq", posix=False, strict=False)
        shell: Any = self.shell
        names = shell.user_ns
        setup, measured = ("", statement) if cell is None else (statement, cell)
        repeat = max(1, _number(options, "r", int, 1))
        timeout = _number(options, "t", int, 0)
        interval = _number(options, "i", float, 0.1)
        children = "c" in options
        code = compile(measured, "<memit>", "exec")
        gc.collect()
        exec(setup, names)
        baseline = compat.memory_usage(include_children=children)[0]
        used = [
            compat.memory_usage(
                (exec, (code, names)),
                interval=interval,
                timeout=timeout if timeout > 0 else None,
                max_usage=True,
                max_iterations=1,
                include_children=children,
            )
            for _ in range(repeat)
        ]
        result = MemitResult(
            used, baseline, repeat, timeout if timeout > 0 else None, interval, children
        )
        if "q" not in options:
            print(result)
        return result if "o" in options else None
