"""objgraph by its own names: what is there, what is new, and who holds it, drawn with Graphviz.

    >>> from heaplens.compat import objgraph
    >>> objgraph.show_growth()
    >>> chain = objgraph.find_backref_chain(thing, objgraph.is_proper_module)
    >>> objgraph.show_chain(chain, filename="chain.png")

Functions, arguments and results are those of objgraph 3.7. Where that asks the collector for the
referrers of one object after another, each time by a look at all there is, this looks once
(src/inside/gc_backrefs.c). So a search sees the heap as it was when it began, and what it saw lives
until it ends. docs/compat/objgraph.md has the same tasks in heaplens' own words.
"""

from __future__ import annotations

import collections
import gc
import inspect
import io
import itertools
import math
import operator
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Callable, Optional

from heaplens._core import core

__version__ = "3.7.0"  # whose functions these are

Objects = Optional[Iterable[Any]]
Predicate = Callable[[Any], Any]
Edges = Callable[[Any], Any]

IS_INTERACTIVE = False
try:
    import graphviz  # type: ignore[import-not-found, import-untyped, unused-ignore]

    _shell = get_ipython().__class__.__name__  # type: ignore[name-defined]
    IS_INTERACTIVE = "TerminalInteractiveShell" not in _shell
except (NameError, ImportError):
    pass


def _collect() -> None:
    """gc.collect() where that would find garbage; else nothing of it could be seen."""
    if not core().settle():
        gc.collect()


# ---- names of types ------------------------------------------------------------------------------


def _isinstance(value: object, classes: Any) -> bool:
    """By its type alone: a mock says in __class__ that it is what it stands for."""
    return issubclass(type(value), classes)


def _short_name(kind: type) -> str:
    return kind.__name__


def _long_name(kind: type) -> str:
    module = getattr(kind, "__module__", None)
    return f"{module}.{kind.__name__}" if module else kind.__name__


def _namer(shortnames: bool) -> Callable[[type], str]:
    return _short_name if shortnames else _long_name


def _is_named(name: str) -> Callable[[type], bool]:
    name_of = _namer("." not in name)
    return lambda kind: name_of(kind) == name


def _short_typename(value: object) -> str:
    return _short_name(type(value))


def _long_typename(value: object) -> str:
    return _long_name(type(value))


# ---- how many there are --------------------------------------------------------------------------


def count(typename: str, objects: Objects = None) -> int:
    """How many objects of the type the collector knows, or are among objects.

    A name with a dot is the type's with its module.
    """
    wanted = _is_named(typename)
    return sum(n for kind, n in core().census(objects) if wanted(kind))


def typestats(
    objects: Objects = None, shortnames: bool = True, filter: Predicate | None = None
) -> dict[str, int]:
    """How many objects of each type the collector knows, or are among objects.

    Those for which filter is false do not count. With shortnames, types of one name are one.
    """
    if filter:
        objects = [o for o in (gc.get_objects() if objects is None else objects) if filter(o)]
    name_of = _namer(shortnames)
    stats: dict[str, int] = {}
    for kind, n in core().census(objects):
        name = name_of(kind)
        stats[name] = stats.get(name, 0) + n
    return stats


def most_common_types(
    limit: int | None = 10,
    objects: Objects = None,
    shortnames: bool = True,
    filter: Predicate | None = None,
) -> list[tuple[str, int]]:
    """The types with the most objects, most first; limit=None: all of them."""
    stats = typestats(objects, shortnames=shortnames, filter=filter)
    common = sorted(stats.items(), key=operator.itemgetter(1), reverse=True)
    return common[:limit] if limit else common


def show_most_common_types(
    limit: int | None = 10,
    objects: Objects = None,
    shortnames: bool = True,
    file: Any = None,
    filter: Predicate | None = None,
) -> None:
    """Prints most_common_types()."""
    out = sys.stdout if file is None else file
    stats = most_common_types(limit, objects, shortnames=shortnames, filter=filter)
    width = max((len(name) for name, _ in stats), default=0)
    for name, n in stats:
        out.write(f"{name:<{width}} {n}\n")


_peaks: dict[str, int] = {}


def growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] = _peaks,
    shortnames: bool = True,
    filter: Predicate | None = None,
) -> list[tuple[str, int, int]]:
    """(type, how many, how many more than ever before), the most first; after a collection.

    peak_stats holds what was the most so far, and is brought up to date.
    """
    _collect()
    stats = typestats(shortnames=shortnames, filter=filter)
    more = []
    for name, n in stats.items():
        before = peak_stats.get(name, 0)
        if n > before:
            more.append((name, n, n - before))
            peak_stats[name] = n
    more.sort(key=operator.itemgetter(2), reverse=True)
    return more[:limit] if limit else more


def show_growth(
    limit: int | None = 10,
    peak_stats: dict[str, int] | None = None,
    shortnames: bool = True,
    file: Any = None,
    filter: Predicate | None = None,
) -> None:
    """Prints growth()."""
    peaks = _peaks if peak_stats is None else peak_stats
    rows = growth(limit, peaks, shortnames, filter)
    out = sys.stdout if file is None else file
    width = max((len(name) for name, _, _ in rows), default=0)
    for name, n, more in rows:
        out.write(f"{name:<{width}}{n:9d} {more:+9d}\n")


# ---- what is new ---------------------------------------------------------------------------------


class _Ids(Mapping[str, "set[int]"]):
    """Addresses by their types' names. They lie in native memory until one asks for them."""

    def __init__(self) -> None:
        self.handle: object = None
        self.numbers: dict[str, int] = {}  # a type's name in the handle
        self.counts: dict[str, int] = {}

    def __getitem__(self, name: str) -> set[int]:
        if name not in self.counts:
            raise KeyError(name)
        found: set[int] = core().addresses_of(self.handle, self.numbers[name])
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self.counts)

    def __len__(self) -> int:
        return len(self.counts)


def _ids_now(before: _Ids, shortnames: bool) -> tuple[_Ids, dict[str, set[int]]]:
    """All addresses there are, and by their types' names those that are new."""
    now = _Ids()
    numbers = now.numbers = before.numbers.copy()
    name_of = _namer(shortnames)

    def number_of(kind: type) -> int:
        return numbers.setdefault(name_of(kind), len(numbers) + 1)

    now.handle, counted, fresh = core().addresses_now(before.handle, number_of)
    names = {number: name for name, number in numbers.items()}
    for number, n in counted:
        name = names[number]
        now.counts[name] = now.counts.get(name, 0) + n
    return now, {names[number]: ids for number, ids in fresh.items()}


def _print_new(rows: list[tuple[str, int, int, int, int]], out: Any) -> None:
    width = max(len(row[0]) for row in rows)
    line = "=" * (width + 13 * 4)
    head = ("Type", "Old_ids", "Current_ids", "New_ids", "Count_Deltas")
    print(
        line,
        f"{head[0]:<{width}}" + "".join(f"{h:>13}" for h in head[1:]),
        line,
        sep="\n",
        file=out,
    )
    for name, old, current, new, delta in rows:
        print(f"{name:<{width}}{old:13d}{current:13d}{new:+13d}{delta:+13d}", file=out)
    print(line, file=out)


_new_ids: dict[str, Any] = {}


def get_new_ids(
    skip_update: bool = False,
    limit: int | None = 10,
    sortby: str = "deltas",
    shortnames: bool | None = None,
    file: Any = None,
    _state: dict[str, Any] = _new_ids,
) -> dict[str, set[int]]:
    """The addresses of objects that were not there at the last call, by their types' names.

    Prints limit rows (0: none, None: all), sorted by 'old', 'current', 'new' or 'deltas'. With
    skip_update it gives again what the last call gave. shortnames holds for later calls, too.
    """
    if not _state:
        _state.update(old=_Ids(), current=_Ids(), shortnames=True)
        _state["new"] = collections.defaultdict(set)
    given: dict[str, set[int]] = _state["new"]
    if skip_update:
        return given
    if shortnames is not None:
        _state["shortnames"] = shortnames
    _collect()
    old: _Ids = _state["current"]
    _state["old"] = old
    current, fresh = _ids_now(old, _state["shortnames"])
    _state["current"] = current
    for name in given.keys() & old.numbers.keys() - old.counts.keys() - current.counts.keys():
        del given[name]
    for ids in given.values():
        ids.clear()
    rows = []
    for name in current.counts.keys() | old.counts.keys():
        ids = given.setdefault(name, set())
        ids.update(fresh.get(name, ()))
        before, n = old.counts.get(name, 0), current.counts.get(name, 0)
        rows.append((name, before, n, len(ids), n - before))
    column = {"old": 1, "current": 2, "new": 3, "deltas": 4}[sortby]
    rows.sort(key=operator.itemgetter(column, 0), reverse=True)
    if limit is not None:
        rows = rows[:limit]
    if rows:
        _print_new(rows, sys.stdout if file is None else file)
    return given


# ---- which they are ------------------------------------------------------------------------------


def get_leaking_objects(objects: Objects = None) -> list[Any]:
    """Those that nothing the collector knows refers to, of all objects or of these.

    An error in counting references can be why, and there are many that are right.
    """
    _collect()
    found: list[Any] = core().unreferred(objects)
    return found


def by_type(typename: str, objects: Objects = None) -> list[Any]:
    """The objects of the type that the collector knows, or that are among objects."""
    found: list[Any] = core().of_types(objects, _is_named(typename))
    return found


def at(addr: int) -> Any:
    """The object with this id(), or None: the collector knows none there."""
    found = at_addrs([addr])
    return found[0] if found else None


def at_addrs(address_set: Any) -> list[Any]:
    """The objects with these id()s that the collector knows, in no order."""
    if isinstance(address_set, (set, frozenset, list, tuple, dict)):
        addresses = list(address_set)
        if all(type(address) is int for address in addresses):
            found: list[Any] = core().objects_at(addresses)
            return found
    return [o for o in gc.get_objects() if id(o) in address_set]


def is_proper_module(obj: object) -> bool:
    """Is it a module, and one of sys.modules? As good as a root."""
    return inspect.ismodule(obj) and obj is sys.modules.get(getattr(obj, "__name__", None))  # type: ignore[arg-type]


# ---- chains --------------------------------------------------------------------------------------


def _ignore(extra: Any, *more: object) -> set[int]:
    """Addresses that no search goes through: those told, those of more, and frames of this module.

    Frames are objects that the collector knows before 3.11 only.
    """
    ignored = set(extra)
    ignored.update(map(id, more))
    ignored.update((id(extra), id(more)))
    frame: types.FrameType | None = sys._getframe() if sys.version_info < (3, 11) else None
    while frame is not None and frame.f_globals is globals():
        ignored.add(id(frame))
        frame = frame.f_back
    ignored.add(id(ignored))
    return ignored


def _proper_modules() -> list[int]:
    return [id(module) for module in list(sys.modules.values()) if is_proper_module(module)]


def _backref_chain(obj: Any, predicate: Predicate, max_depth: float, extra: Any) -> list[Any]:
    asked = [obj]
    ignored = _ignore(extra, asked)
    modules: list[int] = []
    asks: Predicate | None = predicate
    if predicate is is_proper_module:
        # nothing has to be asked, nor collected: what a module leads to is no garbage
        asks, modules = None, _proper_modules()
    else:
        _collect()
    handle = core().backrefs_of(asked)
    depth = math.ceil(max(0, min(max_depth, sys.maxsize)))
    try:
        found: list[Any] | None = core().backref_chain(handle, obj, asks, modules, depth, ignored)
    finally:
        core().backrefs_end(handle)
    return asked if found is None else found


def _find_chain(
    obj: Any, predicate: Predicate, edge_func: Edges, max_depth: float = 20, extra_ignore: Any = ()
) -> list[Any]:
    """From what is found to obj; [obj]: nothing is."""
    if edge_func is gc.get_referrers:
        return _backref_chain(obj, predicate, max_depth, extra_ignore)
    queue = collections.deque([(obj, 0)])
    before = {id(obj): None}
    ignored = _ignore(extra_ignore, queue, before)
    _collect()
    while queue:
        target, depth = queue.popleft()
        if predicate(target):
            chain = []
            while target is not None:
                chain.append(target)
                target = before[id(target)]
            return chain
        for source in edge_func(target) if depth < max_depth else ():
            if id(source) not in before and id(source) not in ignored:
                before[id(source)] = target
                queue.append((source, depth + 1))
    return [obj]


def find_ref_chain(
    obj: Any, predicate: Predicate, max_depth: float = 20, extra_ignore: Any = ()
) -> list[Any]:
    """A shortest chain of references from obj to the first object for which predicate is true.

    It is at most max_depth long and goes through none of the id()s of extra_ignore. [obj]: there is
    no such chain.
    """
    return _find_chain(obj, predicate, gc.get_referents, max_depth, extra_ignore)[::-1]


def find_backref_chain(
    obj: Any, predicate: Predicate, max_depth: float = 20, extra_ignore: Any = ()
) -> list[Any]:
    """A shortest chain of references to obj from the first object for which predicate is true.

    As find_ref_chain; with is_proper_module it asks nothing and is fastest.
    """
    return _find_chain(obj, predicate, gc.get_referrers, max_depth, extra_ignore)


# ---- graphs --------------------------------------------------------------------------------------


def show_backrefs(
    objs: Any,
    max_depth: int = 3,
    extra_ignore: Any = (),
    filter: Predicate | None = None,
    too_many: int = 10,
    highlight: Predicate | None = None,
    filename: str | None = None,
    extra_info: Callable[[Any], object] | None = None,
    refcounts: bool = False,
    shortnames: bool = True,
    output: Any = None,
    extra_node_attrs: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Any:
    """Draws what refers to objs, one object or a list of them; ends at modules.

    filename: a .dot file, or a picture that Graphviz makes; without it a viewer is started. output:
    a stream that gets the text of the graph. filter leaves objects out, extra_ignore those with
    these id()s, too_many the rest of an object's. highlight, extra_info and extra_node_attrs change
    how one looks; refcounts says how many references it has.
    """
    return _show_graph(
        objs,
        gc.get_referrers,
        False,
        max_depth=max_depth,
        extra_ignore=extra_ignore,
        filter=filter,
        too_many=too_many,
        highlight=highlight,
        filename=filename,
        extra_info=extra_info,
        refcounts=refcounts,
        shortnames=shortnames,
        output=output,
        cull_func=is_proper_module,
        extra_node_attrs=extra_node_attrs,
    )


def show_refs(
    objs: Any,
    max_depth: int = 3,
    extra_ignore: Any = (),
    filter: Predicate | None = None,
    too_many: int = 10,
    highlight: Predicate | None = None,
    filename: str | None = None,
    extra_info: Callable[[Any], object] | None = None,
    refcounts: bool = False,
    shortnames: bool = True,
    output: Any = None,
    extra_node_attrs: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Any:
    """Draws what objs refer to. Arguments as of show_backrefs."""
    return _show_graph(
        objs,
        gc.get_referents,
        True,
        max_depth=max_depth,
        extra_ignore=extra_ignore,
        filter=filter,
        too_many=too_many,
        highlight=highlight,
        filename=filename,
        extra_info=extra_info,
        refcounts=refcounts,
        shortnames=shortnames,
        output=output,
        extra_node_attrs=extra_node_attrs,
    )


def show_chain(*chains: Sequence[Any], **kw: Any) -> Any:
    """Draws chains of find_backref_chain, or with backrefs=False of find_ref_chain.

    Other arguments as of show_backrefs.
    """
    backrefs = kw.pop("backrefs", True)
    full = [chain for chain in chains if chain]
    ids = set(map(id, itertools.chain(*full)))
    kw["filter"] = lambda x: id(x) in ids
    kw["max_depth"] = max(map(len, full)) - 1
    if backrefs:
        return show_backrefs([chain[-1] for chain in full], **kw)
    return show_refs([chain[0] for chain in full], **kw)


class _Referrers:
    """gc.get_referrers of each of objs, and of what that gives, as they are now. To be ended."""

    def __init__(self, objs: Sequence[Any]) -> None:
        self._handle = core().backrefs_of(objs)
        self._referrers = core().referrers

    def __call__(self, value: object) -> Any:
        found = self._referrers(self._handle, value)
        return gc.get_referrers(value) if found is None else found

    def end(self) -> None:
        core().backrefs_end(self._handle)


def _show_graph(
    objs: Any,
    edge_func: Edges,
    swap_source_target: bool,
    max_depth: int = 3,
    extra_ignore: Any = (),
    filter: Predicate | None = None,
    too_many: int = 10,
    highlight: Predicate | None = None,
    filename: str | None = None,
    extra_info: Callable[[Any], object] | None = None,
    refcounts: bool = False,
    shortnames: bool = True,
    output: Any = None,
    cull_func: Predicate | None = None,
    extra_node_attrs: Callable[[Any], Mapping[str, Any]] | None = None,
) -> Any:
    if not _isinstance(objs, (list, tuple)):
        objs = [objs]
    if filename and output:
        raise ValueError("Cannot specify both output and filename.")
    inline = IS_INTERACTIVE and not filename and not output
    out, path = _open_dot(filename, output, inline)
    queue: collections.deque[Any] = collections.deque()
    depths: dict[int, int] = {}
    ignored = _ignore(extra_ignore, objs, queue, depths)
    _collect()
    nobody = object()
    own = sys.getrefcount(nobody)  # references by a name of this frame, and by the call
    looked = None
    if edge_func is gc.get_referrers:
        edge_func = looked = _Referrers(objs)
        own += 1
    try:
        out.write("digraph ObjectGraph {\n  node[shape=box, style=filled, fillcolor=white];\n")
        for obj in objs:
            out.write(f"  {_obj_node_id(obj)}[fontcolor=red];\n")
            depths[id(obj)] = 0
            queue.append(obj)
            del obj
        nodes = 0
        while queue:
            nodes += 1
            target = queue.popleft()
            depth = depths[id(target)]
            node = _obj_node_id(target)
            references = sys.getrefcount(target) - own if refcounts else None
            label = _obj_label(target, extra_info, references, shortnames)
            out.write(f'  {node}[label="{label}"{_obj_attrs(target, extra_node_attrs)}];\n')
            out.write(_looks(target, node, depth, max_depth, highlight))
            if depth >= max_depth or (cull_func is not None and cull_func(target)):
                continue
            drawn = skipped = 0
            neighbours = edge_func(target)
            ignored.add(id(neighbours))
            for other in neighbours:
                if id(other) in ignored or (filter and not filter(other)):
                    continue
                if drawn >= too_many:
                    skipped += 1
                    continue
                drawn += 1
                ends: Any = (target, other) if swap_source_target else (other, target)
                edge = " -> ".join(map(_obj_node_id, ends))
                out.write(f"  {edge}{_edge_label(ends[0], ends[1], shortnames)};\n")
                if id(other) not in depths:
                    depths[id(other)] = depth + 1
                    queue.append(other)
            ignored.discard(id(neighbours))
            other = ends = neighbours = None
            if skipped:
                out.write(_too_many(node, skipped, swap_source_target, depth + 1, max_depth))
    finally:
        if looked:
            looked.end()
    out.write("}\n")
    if output:
        return None
    if inline:
        return graphviz.Source(out.getvalue())
    out.close()
    print(f"Graph written to {path} ({nodes} nodes)")
    _present_graph(path, filename)
    return None


def _open_dot(filename: str | None, output: Any, inline: bool) -> tuple[Any, str]:
    """Where the text of a graph goes, and the path of the file if it is ours to close."""
    if output:
        return output, ""
    if inline:
        return io.StringIO(), ""
    if filename and filename.endswith(".dot"):
        return open(filename, "w", encoding="utf-8"), filename
    fd, path = tempfile.mkstemp(prefix="objgraph-", suffix=".dot", text=True)
    return os.fdopen(fd, "w", encoding="utf-8"), path


def _present_graph(dot_filename: str, filename: str | None = None) -> None:
    """Shows a .dot file in a viewer, or makes the picture that was asked for."""
    if filename == dot_filename:
        return
    if not filename and _program_in_path("xdot"):
        print("Spawning graph viewer (xdot)")
        subprocess.Popen(["xdot", dot_filename], close_fds=True)
        return
    if not _program_in_path("dot"):
        missing = (
            "Image renderer (dot)" if filename else "Graph viewer (xdot) and image renderer (dot)"
        )
        print(f"{missing} not found, not doing anything else")
        return
    if not filename:
        print("Graph viewer (xdot) not found, generating a png instead")
        filename = dot_filename[: -len(".dot")] + ".png"
    kind = os.path.splitext(filename)[1][1:]
    words = ["dot", "-T" + kind, "-o" + filename, dot_filename]
    dot = subprocess.Popen(words, close_fds=False)
    dot.wait()
    if dot.returncode:
        print(f'dot failed (exit code {dot.returncode}) while executing "{" ".join(words)}"')
    else:
        print(f"Image generated as {filename}")


def _program_in_path(program: str) -> bool:
    return shutil.which(program) is not None


# ---- how one object looks ------------------------------------------------------------------------

Colour = tuple[float, float, float]  # hue, saturation, value
_BLACK: Colour = (0, 0, 0.3)
_WHITE: Colour = (0, 0, 1)
_RED: Colour = (0, 1, 1)
_DARK_RED: Colour = (0, 1, 0.3)


def _obj_node_id(obj: object) -> str:
    return f"o{id(obj)}".replace("-", "_")


def _obj_label(
    obj: object,
    extra_info: Callable[[Any], object] | None = None,
    references: int | None = None,
    shortnames: bool = True,
) -> str:
    name = _short_typename(obj) if shortnames else _long_typename(obj)
    if references is not None:
        name += f" [{references}]"
    lines = [name, _safe_repr(obj)]
    if extra_info:
        lines.append(str(extra_info(obj)))
    return _quote("\n".join(lines))


def _obj_attrs(
    obj: object, extra_node_attrs: Callable[[Any], Mapping[str, Any]] | None = None
) -> str:
    if extra_node_attrs is None:
        return ""
    attrs = sorted(extra_node_attrs(obj).items())
    return ", " + ", ".join(f'{k}="{_quote(v)}"' for k, v in attrs if v is not None)


def _looks(target: Any, node: str, depth: int, max_depth: int, highlight: Predicate | None) -> str:
    h, s, v = _gradient(_WHITE, _BLACK, depth, max_depth)
    if inspect.ismodule(target):
        h, s = 0.3, 1
    if highlight and highlight(target):
        h, s, v = 0.6, 0.6, 0.5 + v * 0.5
    lines = [f'  {node}[fillcolor="{h:g},{s:g},{v:g}"];\n']
    if v < 0.5:
        lines.append(f"  {node}[fontcolor=white];\n")
    if hasattr(getattr(target, "__class__", None), "__del__"):
        lines.append(f"  {node}->{node}_has_a_del[color=red,style=dotted,len=0.25,weight=10];\n")
        lines.append(
            f'  {node}_has_a_del[label="__del__",shape=doublecircle,height=0.25,color=red,'
            'fillcolor="0,.5,1",fontsize=6];\n'
        )
    return "".join(lines)


def _too_many(node: str, skipped: int, forward: bool, depth: int, max_depth: int) -> str:
    h, s, v = _gradient(_RED, _DARK_RED, depth, max_depth)
    more = f"too_many_{node}"
    edge = f"{node}->{more}" if forward else f"{more}->{node}"
    what = "references" if forward else "backreferences"
    return (
        f"  {edge}[color=red,style=dotted,len=0.25,weight=10];\n"
        f'  {more}[label="{skipped} more {what}",shape=box,height=0.25,color=red,'
        f'fillcolor="{h:g},{s:g},{v:g}",fontsize=6];\n'
        f"  {more}[fontcolor=white];\n"
    )


def _gradient(start: Colour, end: Colour, depth: int, max_depth: int) -> Colour:
    if not max_depth:
        return start
    f = depth / max_depth
    h, s, v = (a * (1 - f) + b * f for a, b in zip(start, end))
    return h, s, v


def _quote(s: str) -> str:
    for raw, quoted in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\0", "\\\\0")):
        s = s.replace(raw, quoted)
    return s


def _safe_repr(obj: object) -> str:
    try:
        return _short_repr(obj)
    except Exception:
        return "(unrepresentable)"


def _name_or_repr(value: Any) -> str:
    name = getattr(value, "__name__", None)
    return name if _isinstance(name, str) else repr(value)[:40]  # type: ignore[return-value]


def _short_repr(obj: Any) -> str:
    named = (type, types.ModuleType, types.BuiltinMethodType, types.BuiltinFunctionType)
    if _isinstance(obj, named):
        return _name_or_repr(obj)
    if _isinstance(obj, types.MethodType):
        return _name_or_repr(obj.__func__) + (" (bound)" if obj.__self__ else "")
    if _isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        code = obj.__code__
        return f"lambda: {os.path.basename(code.co_filename)}:{code.co_firstlineno}"
    if _isinstance(obj, types.FrameType):
        return f"{obj.f_code.co_filename}:{obj.f_lineno}"
    if _isinstance(obj, (tuple, list, dict, set)):
        return f"{len(obj)} items"
    return repr(obj)[:40]


_is_identifier = re.compile("[a-zA-Z_][a-zA-Z_0-9]*").match


def _edge_label(source: Any, target: Any, shortnames: bool = True) -> str:
    """What the reference is called in source: ' [label="..."]', or nothing."""
    if _isinstance(target, dict) and target is getattr(source, "__dict__", None):
        return ' [label="__dict__",weight=10]'
    attributes: Iterable[str] = ()
    if _isinstance(source, types.FrameType):
        attributes = ("f_locals", "f_globals")
    elif _isinstance(source, types.MethodType):
        attributes = ("__self__", "__func__")
    elif _isinstance(source, types.FunctionType):
        attributes = dir(source)
    for name in attributes:
        if target is getattr(source, name):
            return f' [label="{_quote(name)}",weight=10]'
    if not _isinstance(source, dict):
        return ""
    found = _key_of(source, target)
    if found is None:
        return ""
    if _isinstance(found[0], str) and _is_identifier(found[0]):
        return f' [label="{_quote(found[0])}",weight=2]'
    kind = _short_typename(found[0]) if shortnames else _long_typename(found[0])
    return f' [label="{_quote(kind + chr(10) + _safe_repr(found[0]))}"]'


def _key_of(table: dict[Any, Any], value: object) -> tuple[Any] | None:
    """Its first key with this very value."""
    if type(table) is dict:
        found: tuple[Any] | None = core().key_of(table, value)
        return found
    return next(((k,) for k, v in table.items() if v is value), None)
