#!/usr/bin/env python3
"""Who may know whom: holds the #include lines of src/ against src/LAYERS.

Also checks the promises of the map that grep can judge: Python.h is seen in src/inside only,
stdout and exit belong to src/cli, file names are unique, every file introduces itself.
Prints one line a broken promise and exits 1 if there are any.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include\s+(["<])([^">]+)[">]', re.M)
# Comments, strings and character constants, whichever begins first.
PROSE = re.compile(r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'""", re.S)
# What only the command line may do: write to stdout, end the process.
CALLS = re.compile(
    r"(?<![\w.>])(printf|puts|putchar|exit|quick_exit)\s*\(|\b(stdout|STDOUT_FILENO)\b"
)


def read_layers(path: Path) -> dict[str, set[str]]:
    """One line a room: `graph: base snapshot`; `-` is nobody."""
    layers: dict[str, set[str]] = {}
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        room, colon, known = line.partition(":")
        if not colon:
            raise SystemExit(f"{path}:{number}: not of the form 'room: rooms'")
        layers[room.strip()] = set(known.split()) - {"-"}
    for room, known_rooms in layers.items():
        for name in known_rooms - layers.keys():
            raise SystemExit(f"{path}: {room} may know {name}, which is no room")
    return layers


def cycle(layers: dict[str, set[str]]) -> list[str] | None:
    """Rooms that know each other in a circle, or None."""
    done: set[str] = set()

    def visit(room: str, trail: list[str]) -> list[str] | None:
        if room in trail:
            return [*trail[trail.index(room) :], room]
        if room in done:
            return None
        for known in sorted(layers[room]):
            found = visit(known, [*trail, room])
            if found:
                return found
        done.add(room)
        return None

    for room in layers:
        found = visit(room, [])
        if found:
            return found
    return None


def check_file(src: Path, path: Path, layers: dict[str, set[str]]) -> list[str]:
    room = path.relative_to(src).parts[0]
    text = path.read_text(encoding="utf-8")
    is_test = path.stem.endswith(("_test", "_fuzz", "_bench", "_testlib")) or path.stem.startswith(
        "test_"
    )
    problems = []

    def line_of(position: int) -> int:
        return text.count("\n", 0, position) + 1

    if room not in layers:
        return [f"{path}: room {room} has no line in {src / 'LAYERS'}"]
    if not text.startswith(f"/* {path.relative_to(src)}:"):
        problems.append(f"{path}:1: should open with '/* {path.relative_to(src)}: what it is'")
    for found in INCLUDE.finditer(text):
        quote, name = found.groups()
        where = f"{path}:{line_of(found.start())}"
        if name == "Python.h" or name.startswith(("internal/pycore", "pycore_", "cpython/")):
            if room != "inside":
                problems.append(f"{where}: {name} belongs to src/inside")
            continue
        if quote == "<":
            continue
        other = name.split("/")[0]
        if "/" not in name:
            if not (path.parent / name).exists():
                problems.append(f"{where}: {name} is not in {path.parent}")
        elif other in layers and other != room and other not in layers[room] and not is_test:
            problems.append(f"{where}: {room} may not know {other} ({name})")
        elif other not in layers:
            problems.append(f"{where}: {name} is in no room")
        elif not (src / name).exists():
            problems.append(f"{where}: {name} does not exist")
    if room != "cli" and not is_test:
        # The preload library stands in for the program's exit.
        allowed = {"exit"} if room == "preload" else set()

        def blank(match: re.Match[str]) -> str:
            return re.sub(r"[^\n]", " ", match.group())

        code = PROSE.sub(blank, text)
        for call in CALLS.finditer(code):
            word = call.group(1) or call.group(2)
            if word not in allowed:
                problems.append(f"{path}:{line_of(call.start())}: {word} belongs to src/cli")
    return problems


def main() -> int:
    src = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "src"
    layers = read_layers(src / "LAYERS")
    problems = []
    circle = cycle(layers)
    if circle:
        problems.append(f"{src / 'LAYERS'}: a circle: {' -> '.join(circle)}")
    files = sorted([*src.rglob("*.c"), *src.rglob("*.h"), *src.rglob("*.def")])
    seen: dict[str, Path] = {}
    for path in files:
        problems += check_file(src, path, layers)
        if path.name in seen:
            problems.append(f"{path}: the name is taken by {seen[path.name]}")
        seen[path.name] = path
    for problem in problems:
        print(problem)
    print(f"layers: {len(files)} files, {len(layers)} rooms, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
