"""What a pickled snapshot of tracemalloc holds, in the lines the executable reads.

The pickle is on standard input, a stranger's: compat/_pickles.py reads it without running it. Lines
go to standard output (src/snapshot/snap_traces.h says what they are), or `error` and why not.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import Any

from heaplens._error import Error
from heaplens.compat._pickles import read_open

_OURS, _OTHERS = 2, 3  # domains: objects of Python, and what C extensions told tracemalloc of
_LINE_MOST, _BYTES_MOST, _NAME_MOST = 2**32, 2**62, 60_000


def _name(text: str) -> bytes:
    try:
        raw = text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        raw = text.encode("utf-8", "backslashreplace")
    return raw.replace(b"\0", b"\\x00")[:_NAME_MOST]


def lines_of(traces: Any) -> Iterator[bytes]:
    """Each frame and stack once, blocks of one stack added up."""
    frames: dict[tuple[str, int], int] = {}
    stacks: dict[tuple[int, int], int] = {}
    sums: dict[tuple[int, int], list[int]] = {}
    known: dict[tuple[int, Any], list[int]] = {}
    for domain, size, told, _ in traces:
        total = known.get((domain, told))
        if total is None:
            at = 0
            for frame in reversed(told):
                if not 0 <= frame[1] < _LINE_MOST:
                    raise Error("it has a line with an impossible number")
                if frame not in frames:
                    frames[frame] = len(frames) + 1
                    name = _name(frame[0])
                    yield b"frame %d %d %b\n" % (frame[1], len(name), name)
                stack = (at, frames[frame])
                if stack not in stacks:
                    stacks[stack] = len(stacks) + 1
                    yield b"stack %d %d\n" % stack
                at = stacks[stack]
            key = (at, _OTHERS if domain else _OURS)
            total = known[domain, told] = sums.setdefault(key, [0, 0])
        total[0] += 1
        total[1] += size
        if not 0 <= size < _BYTES_MOST or total[1] >= _BYTES_MOST:
            raise Error("it has a block of an impossible size")
    for (at, domain), (blocks, size) in sorted(sums.items()):
        yield b"blocks %d %d %d %d\n" % (at, domain, blocks, size)
    yield b"end\n"


def main(words: list[str]) -> None:
    file = io.BytesIO(sys.stdin.buffer.read())
    try:
        answer = b"".join(lines_of(read_open(file, ())["traces"]))
    except Error as why:
        answer = b"error " + " ".join(str(why).split())[:300].encode("utf-8", "backslashreplace")
    sys.stdout.buffer.write(answer)
    sys.stdout.buffer.flush()
