"""A program whose functions are told line by line, beside the interpreter's own sums.

Each case calls a chosen function once. What tracemalloc says lives more than before, by tables of its
own, must be what the function's lines sum up to, to the byte: so no function here lets go of
anything when it returns, but ints. Written to standard output as JSON.
"""

import asyncio
import json
import sys
import threading
import tracemalloc

from heaplens._lines import Lines

KEEP: list = []


def loop(n):
    made = []
    for i in range(n):
        made.append(bytearray(1000 + i))
    return made


def recursive(n):
    here = bytearray(1000)
    if n == 0:
        return [here]
    return [here, recursive(n - 1)]


def callee(n):
    return [bytearray(300) for _ in range(n)]


def caller(n):
    first = callee(n)
    second = callee(2 * n)
    del first
    return second


def comprehension(n):
    lists = [[i] * 100 for i in range(n)]
    sets = {str(i) for i in range(n)}
    table = {i: bytearray(10) for i in range(n)}
    lazy = sum(len(x) for x in lists)
    return lists, sets, table, lazy


def generator(n):
    for i in range(n):
        KEEP.append(bytearray(2000))
        yield i


def consume(n):
    return list(generator(n))


def raises(n):
    try:
        KEEP.append(bytearray(5000))
        failing(n)
    except ValueError:
        KEEP.append(bytearray(70))


def failing(n):
    KEEP.append(bytearray(n))
    raise ValueError


async def waits(n):
    kept = bytearray(n)
    await asyncio.sleep(0)
    KEEP.append(kept)
    await asyncio.sleep(0)
    KEEP.append(bytearray(10))


class Holder:
    def method(self, n):
        self.held = bytearray(n)
        return self

    @staticmethod
    def static(n):
        KEEP.append(bytearray(n))


def falls(n):
    KEEP.append(bytearray(n))
    KEEP.pop()
    large = bytearray(n)
    del large
    KEEP.append(bytearray(n // 10))


def change(function, argument):
    before = tracemalloc.get_traced_memory()[0]
    result = function(argument)
    return tracemalloc.get_traced_memory()[0] - before, result


def nothing(n):
    return None


def told(lines):
    return {
        f.code.co_name: (
            f.calls,
            {
                line.line - f.code.co_firstlineno: (
                    line.net_bytes,
                    line.occurrences,
                    line.peak_bytes,
                )
                for line in f.lines
            },
        )
        for f in lines.functions()
    }


def beyond(now, before):
    """What one more call did."""
    calls, rows = now
    calls_before, rows_before = before
    return {
        "calls": calls - calls_before,
        "lines": {
            line: [net - rows_before[line][0], turns - rows_before[line][1], peak]
            for line, (net, turns, peak) in rows.items()
        },
    }


def measured(name, function, argument, *codes):
    """Lines of the codes, and what changed meanwhile."""
    lines = Lines(everywhere=True)
    for code in codes:
        lines.choose(code)
    with lines:
        for _ in range(3):  # tables of lines are made once, by who tells them
            KEEP.append(function(argument))
            own = change(nothing, 0)[0]
        before = told(lines)
        changed, result = change(function, argument)
    KEEP.append(result)
    after = told(lines)
    lines.close()
    functions = {name: beyond(after[name], before[name]) for name in after}
    return {"case": name, "changed": changed - own, "functions": functions}


def in_threads(n):
    threads = [threading.Thread(target=loop, args=(n,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def many_generators(n):
    """They take turns: each step is of its own line."""
    running = [generator(3) for _ in range(n)]
    for _ in range(3):
        for each in running:
            next(each)
    return running


def run_coroutines(n):
    async def both():
        await asyncio.gather(waits(n), waits(2 * n))

    asyncio.run(both())


def main():
    tracemalloc.start()
    throughout = Lines()  # so that what lived before a case is known, too
    cases = [
        ("loop", loop, 50, loop),
        ("recursive", recursive, 10, recursive),
        ("calls", caller, 10, caller, callee),
        ("comprehension", comprehension, 50, comprehension),
        ("consume", consume, 20, consume, generator),
        ("raises", raises, 4000, raises, failing),
        ("method", Holder().method, 3000, Holder.method),
        ("static", Holder.static, 3000, Holder.static),
        ("falls", falls, 100_000, falls),
        ("threads", in_threads, 10, loop),
        ("generators", many_generators, 4, generator),
        ("coroutines", run_coroutines, 1000, waits),
    ]
    out = []
    for name, function, argument, *chosen in cases:
        out.append(measured(name, function, argument, *[f.__code__ for f in chosen]))
    throughout.close()
    json.dump(out, sys.stdout)


main()
