"""Memory over time as a picture: the work of `heaplens timeline -o X.svg`.

The executable has read the recordings and says what is in them as heaplens.timeline/1 on standard
input; the picture goes to standard output, and the executable writes the file. matplotlib draws.
"""

from __future__ import annotations

import importlib
import io
import json
import sys
import textwrap
import warnings
from typing import Any, NoReturn

TARGET = 3
_MISSING = (
    "timeline draws with matplotlib: {python} -m pip install matplotlib; "
    "--json or the table work without it"
)
# Of one process, what is drawn of what is known: more lines than these nobody can tell apart.
_SHOWN = {
    "rss": ("#1f4e79", 2.2, "-"),
    "private": ("#6fa8dc", 1.2, "-"),
    "heap": ("#c0392b", 1.8, "-"),
    "malloc": ("#e69138", 1.2, "-"),
    "arenas": ("#38761d", 1.2, "-"),
    "arenas_used": ("#93c47d", 1.0, "--"),
    "tracked": ("#8e44ad", 1.2, "-"),
    "swap": ("#7f6000", 1.0, ":"),
}
_COLOURS = ("#1f4e79", "#c0392b", "#38761d", "#e69138", "#8e44ad", "#16a085", "#7f6000", "#444444")
_MARKERS = "osD^vP*Xhp"
_WITH_SLOPE = ("rss", "heap")
_FUNCTIONS, _CALLS, _LEGEND = 8, 400, 10


def _stop(text: str, status: int = TARGET) -> NoReturn:
    print(f"heaplens: {text}", file=sys.stderr)
    sys.exit(status)


def _plain(text: str, most: int = 60) -> str:
    """A stranger's text as a label: no control characters, no formula, no end without an end."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    shown = shown if len(shown) <= most else shown[: most - 3] + "..."
    return shown.replace("$", r"\$")


def _size(value: float, digits: int = 3) -> str:
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if abs(value) >= scale:
            shown = value / scale
            return f"{shown:.{max(0, digits - len(str(int(abs(shown)))))}f} {unit}"
    return f"{value:.0f} B"


def _speed(slope: dict[str, Any]) -> str:
    speed, half = slope["bytes_per_second"], (slope["high"] - slope["low"]) / 2
    return f"{'+' if speed > 0 else ''}{_size(speed)}/s ± {_size(half, 2)}/s"


def _unit_of_time(most: float) -> tuple[str, float]:
    for unit, seconds in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if most >= 3 * seconds:
            return unit, seconds
    return "seconds", 1


def _unit_of_size(most: float) -> tuple[str, float]:
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if most >= size:
            return unit, size
    return "bytes", 1


class Picture:
    """One figure: memory above, functions in a strip below where there are any."""

    def __init__(self, series: dict[str, Any], figure: Any) -> None:
        self.processes = series["processes"]
        self.one_clock = series["one_clock"]
        self.alone = len(self.processes) == 1
        spans = [s for p in self.processes for s in p["functions"]]
        ends = [p["seconds"][-1] for p in self.processes] + [s["to_seconds"] for s in spans]
        begins = [p["seconds"][0] for p in self.processes] + [s["from_seconds"] for s in spans]
        self.time_name, self.time = _unit_of_time(max(ends) - min(begins))
        values = [v for p in self.processes for c in self._curves(p) for v in c["bytes"]]
        told = [v for v in values if v is not None] or [0]
        self.size_name, self.size = _unit_of_size(max(told))
        self.least, self.most = min(told), max(told)
        self.functions = self._by_change(spans)
        rows = len(self.functions)
        self.figure = figure.Figure(figsize=(10, 5.4 + 0.26 * rows), layout="constrained")
        if rows:
            grid = self.figure.add_gridspec(2, 1, height_ratios=[4.2, 0.3 + 0.26 * rows])
            self.axes = self.figure.add_subplot(grid[0])
            self.strip = self.figure.add_subplot(grid[1], sharex=self.axes)
        else:
            self.axes, self.strip = self.figure.add_subplot(), None

    def _curves(self, process: dict[str, Any]) -> list[dict[str, Any]]:
        wanted = _SHOWN if self.alone else ("rss",)
        curves = [c for c in process["curves"] if c["curve"] in wanted]
        return curves or process["curves"][:1]

    @staticmethod
    def _by_change(spans: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
        calls: dict[str, list[dict[str, Any]]] = {}
        for span in spans:
            calls.setdefault(span["function"], []).append(span)
        changed = {
            name: sum(s["to_bytes"] - s["from_bytes"] for s in of) for name, of in calls.items()
        }
        names = sorted(calls, key=lambda name: -abs(changed[name]))[:_FUNCTIONS]
        return {name: calls[name] for name in names}

    def draw(self) -> None:
        for at, process in enumerate(self.processes):
            self._draw_process(process, _COLOURS[at % len(_COLOURS)], at)
        if self.alone:
            self._mark_looks(self.processes[0])
            self._mark_rounds(self.processes[0])
        self._draw_functions()
        self._name_axes()

    def _draw_process(self, process: dict[str, Any], colour: str, at: int) -> None:
        for curve in self._curves(process):
            look = _SHOWN.get(curve["curve"], (colour, 1.4, "-"))
            dot = "." if process["reasons"] and not self.alone else None  # each look
            colour = look[0] if self.alone else colour
            told = [(s, v) for s, v in zip(process["seconds"], curve["bytes"]) if v is not None]
            label = _plain(curve["name"]) if self.alone else self._name_of(process)
            slope = curve["slope"]
            if slope:
                label += f"   {_speed(slope)}"
            self.axes.plot(
                [s / self.time for s, _ in told],
                [v / self.size for _, v in told],
                color=colour,
                linewidth=look[1] if self.alone else 1.4,
                linestyle=look[2],
                label=label if at < _LEGEND else None,
                marker=dot if dot or len(told) > 1 else ".",
                gid=f"{curve['curve']}-{at}",
            )
            if slope and self.alone and curve["curve"] in _WITH_SLOPE:
                self._draw_slope(slope, told, colour)

    def _name_of(self, process: dict[str, Any]) -> str:
        pid = process["pid"]
        if process["source"] == "mprof":
            return f"child {pid}" if pid else _plain(process["program"] or process["file"], 40)
        return f"{pid or ''} {_plain(process['program'] or process['file'], 32)}".strip()

    def _draw_slope(
        self, slope: dict[str, Any], told: list[tuple[float, int]], colour: str
    ) -> None:
        part = [(s, v) for s, v in told if slope["from_seconds"] <= s <= slope["to_seconds"]]
        if not part:
            return
        middle = sum(s for s, _ in part) / len(part)
        height = sum(v for _, v in part) / len(part)
        ends = (slope["from_seconds"], slope["to_seconds"])
        line = [height + slope["bytes_per_second"] * (s - middle) for s in ends]
        self.axes.plot(
            [s / self.time for s in ends],
            [v / self.size for v in line],
            color=colour,
            linewidth=0.9,
            linestyle=(0, (6, 3)),
            alpha=0.7,
            gid=f"slope-{slope['points']}",
        )

    def _mark_looks(self, process: dict[str, Any]) -> None:
        """When it was looked, a sign for each reason, on the first curve."""
        if not process["reasons"]:
            return
        values = self._curves(process)[0]["bytes"]
        reasons = list(dict.fromkeys(process["reasons"]))
        for at, reason in enumerate(reasons):
            points = [
                (s, v)
                for s, v, why in zip(process["seconds"], values, process["reasons"])
                if why == reason and v is not None
            ]
            count = process["reasons"].count(reason)
            self.axes.plot(
                [s / self.time for s, _ in points],
                [v / self.size for _, v in points],
                linestyle="none",
                marker=_MARKERS[at % len(_MARKERS)],
                markersize=5,
                markerfacecolor="white",
                markeredgecolor=_SHOWN["rss"][0],
                label=f"look: {_plain(reason, 30)}" + (f" ({count})" if count > 1 else ""),
                zorder=5,
                gid=f"looks-{at}",
            )

    def _mark_rounds(self, process: dict[str, Any]) -> None:
        rounds = process["rounds"]
        if not rounds:
            return
        seconds, last, chosen = process["seconds"], None, []
        room = (seconds[-1] - seconds[0]) / 12
        for second, done in zip(seconds, rounds):
            if last is None or (done != last[1] and second - last[0] >= room):
                last = (second, done)
                chosen.append(last)
        top = self.axes.secondary_xaxis("top")
        top.set_xticks([s / self.time for s, _ in chosen], [f"{n:,}" for _, n in chosen])
        top.set_xlabel("rounds done", fontsize=8)
        top.tick_params(labelsize=8)
        for second, _ in chosen:
            self.axes.axvline(second / self.time, color="#999999", linewidth=0.5, alpha=0.5)

    def _draw_functions(self) -> None:
        """A row a function; its calls also as brackets in the curve: memory at begin and end."""
        if self.strip is None:
            return
        drawn = 0
        for row, calls in enumerate(self.functions.values()):
            colour = _COLOURS[(row + 1) % len(_COLOURS)]
            least = (self.axes_length() or 1) / 1000  # a call of no time is seen, too
            self.strip.broken_barh(
                [
                    (
                        c["from_seconds"] / self.time,
                        max((c["to_seconds"] - c["from_seconds"]) / self.time, least),
                    )
                    for c in calls
                ],
                (row - 0.35, 0.7),
                color=colour,
                alpha=0.75,
            )
            for call in calls:
                drawn += 1
                if drawn <= _CALLS:
                    self.axes.plot(
                        [call["from_seconds"] / self.time, call["to_seconds"] / self.time],
                        [call["from_bytes"] / self.size, call["to_bytes"] / self.size],
                        color=colour,
                        linewidth=0.8,
                        linestyle=":",
                        marker="|",
                        markersize=12,
                        markeredgewidth=1.6,
                    )
        names = []
        for name, calls in self.functions.items():
            change = sum(c["to_bytes"] - c["from_bytes"] for c in calls)
            count = f", {len(calls)} calls" if len(calls) > 1 else ""
            names.append(f"{_plain(name, 34)}{count}, {'+' if change > 0 else ''}{_size(change)}")
        self.strip.set_yticks(range(len(names)), names, fontsize=8)
        self.strip.set_ylim(len(names) - 0.4, -0.6)
        for side in ("top", "right", "left"):
            self.strip.spines[side].set_visible(False)
        self.strip.tick_params(axis="y", length=0)

    def axes_length(self) -> float:
        left, right = self.axes.get_xlim()
        return float(right - left)

    def _name_axes(self) -> None:
        below = self.strip if self.strip is not None else self.axes
        since = "since the run began" if self.one_clock else "since it began"
        below.set_xlabel(f"{self.time_name} {since}")
        if self.strip is not None:
            self.axes.tick_params(labelbottom=False)
        near = self.most > 0 and (self.most - self.least) < 0.15 * self.most
        self.axes.set_ylabel(
            f"memory, {self.size_name}" + (" (does not begin at 0)" if near else "")
        )
        if not near:
            self.axes.set_ylim(bottom=0)
        self.axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        self.axes.set_axisbelow(True)
        for side in ("top", "right"):
            self.axes.spines[side].set_visible(False)
        self.axes.legend(loc="best", fontsize=8, framealpha=0.85)
        self.figure.suptitle(self._title(), fontsize=11, x=0.01, ha="left")
        self.figure.supxlabel(self._method(), fontsize=7.5, x=0.01, ha="left", color="#555555")

    def _title(self) -> str:
        first = self.processes[0]
        name = _plain(first["program"] or first["file"], 70)
        if self.alone:
            pid = f", process {first['pid']}" if first["pid"] else ""
            return f"{name}{pid}: memory over time"
        more = f", the first {_LEGEND} of them named" if len(self.processes) > _LEGEND else ""
        return f"{name}: resident memory of {len(self.processes)} processes{more}"

    def _method(self) -> str:
        """Where the numbers come from, and how the slopes were found."""
        first = self.processes[0]
        kinds = {"mprof": "samples of mprof", "recording": "looks of heaplens run"}
        count = sum(len(p["seconds"]) for p in self.processes)
        source = ", ".join(dict.fromkeys(kinds[p["source"]] for p in self.processes))
        text = f"source: {count:,} {source}, {_plain(first['file'])}"
        text += f" and {len(self.processes) - 1} more" if not self.alone else ""
        by = {c["measured_by"]: c["name"] for c in reversed(self._curves(first))}
        text += "; " + "; ".join(f"{_plain(v, 24)} by {k}" for k, v in reversed(by.items()))
        slope = next((c["slope"] for c in self._curves(first) if c["slope"]), None)
        if slope:
            whose = "Slope" if self.alone else "Slope of the first"
            text += (
                f". {whose}: least squares over {slope['points']} points from "
                f"{slope['from_seconds']:.3g} s to {slope['to_seconds']:.3g} s (the first quarter "
                "is warm-up), with its 95 % interval"
            )
        else:
            text += ". No slope: too few points after warm-up, the first quarter"
        return "\n".join(textwrap.wrap(text, 160))


def picture(series: dict[str, Any], form: str) -> bytes:
    """The series drawn; form: svg or png. ImportError without matplotlib."""
    matplotlib: Any = importlib.import_module("matplotlib")
    figure: Any = importlib.import_module("matplotlib.figure")
    # letters stay letters in an SVG: it is smaller and can be searched; no two runs differ
    settings = {"svg.fonttype": "none", "svg.hashsalt": "heaplens"}
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a name in letters the font lacks
        made = Picture(series, figure)
        made.draw()
        out = io.BytesIO()
        plain = {"Date": None} if form == "svg" else {}
        made.figure.savefig(out, format=form, dpi=130, metadata=plain)
    return out.getvalue()


def main(words: list[str]) -> None:
    if sys.path[:1] == [""]:  # nothing of the folder it is called in
        del sys.path[0]
    options = json.loads(words[0])
    series = json.load(sys.stdin)
    try:
        drawn = picture(series, options["format"])
    except ImportError as why:
        text = _MISSING.format(python=sys.executable)
        name = getattr(why, "name", None) or ""
        _stop(text if name.split(".")[0] == "matplotlib" else f"{text} ({why})")
    sys.stdout.buffer.write(drawn)
    sys.stdout.buffer.flush()
