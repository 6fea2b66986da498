"""Stacks of every shape, for the checking build: each site is compared with a whole walk.

    python stress.py [HORIZON]

Runs in an interpreter whose core was built with -Dtrack_check=true (tools/track_check.sh), and ends
with 1 if a single site differed. Generators that are resumed by one caller after another,
exceptions through many levels, recursion, finalizers, callbacks out of C, coroutines, threads,
greenlets where they are installed, code that is compiled, run and dropped.
"""

from __future__ import annotations

import asyncio
import functools
import gc
import random
import sys
import threading
from typing import Any

from heaplens._core import core

INSIDE = core()
CHANCE = random.Random(11)


def make(n: int) -> Any:
    return [object() for _ in range(n)], {n: str(n)}, (n, float(n))


# ---- generators ---------------------------------------------------------------------------------


def numbers(n: int) -> Any:
    for i in range(n):
        make(i & 7)
        yield [i]


def through(inner: Any) -> Any:
    """A generator in front of another: two frames that outlive their caller."""
    yield from inner
    make(2)


def one_way(g: Any) -> Any:
    return next(g, None)


def other_way(g: Any) -> Any:
    value = next(g, None)
    make(3)
    return value


def third_way(g: Any) -> Any:
    return one_way(g) or other_way(g)


def generators(rounds: int) -> None:
    running = [numbers(40) for _ in range(8)]
    for _ in range(rounds):
        i = CHANCE.randrange(len(running))
        if CHANCE.choice((one_way, other_way, third_way))(running[i]) is None:
            fresh = numbers(CHANCE.randrange(50))
            running[i] = through(fresh) if CHANCE.random() < 0.5 else fresh


def thrown_into(rounds: int) -> None:
    def swallows() -> Any:
        while True:
            try:
                make(1)
                yield make(2)
            except KeyError:
                make(4)

    g = swallows()
    next(g)
    for i in range(rounds):
        g.throw(KeyError(i)) if i % 3 else next(g)
    g.close()


# ---- calls --------------------------------------------------------------------------------------


def fails(n: int) -> None:
    if not n:
        raise ValueError(make(2))
    fails(n - 1)


def exceptions(rounds: int) -> None:
    for _ in range(rounds):
        try:
            fails(CHANCE.randrange(70))
        except ValueError as why:
            make(len(why.args))


ONE = (1,)


def fails_at_once() -> Any:
    make(1)
    raise KeyError
    yield


def loops(g: Any) -> Any:
    """Waits for a generator with its stack three deep, where a handler's does not reach."""
    try:
        for _ in ONE:
            for _ in ONE:
                for _ in ONE:
                    for one in g:
                        return one
    except KeyError:
        return None


def in_turn(first: Any, second: Any, third: Any) -> None:
    """One frame after another at one address, without an allocation between them."""
    loops(first)
    loops(second)
    loops(third)


def unwound(rounds: int) -> None:
    for _ in range(rounds):
        running = [CHANCE.choice((fails_at_once, lambda: numbers(2)))() for _ in range(3)]
        in_turn(*running)


def down(n: int, m: int) -> Any:
    if not n:
        return make(m)
    if n % 9 == 0 and n < 40 and CHANCE.random() < 0.3:
        return sorted((2, 1), key=lambda x: bool(down(n - 1, m)) * x)
    if n % 2:
        return down(n - 1, m)
    return down(n - 1, m)


def recursion(rounds: int) -> None:
    for _ in range(rounds):
        down(CHANCE.randrange(60), CHANCE.randrange(4))
        down(CHANCE.randrange(60), 1)


class Finalized:
    def __del__(self) -> None:
        make(2)
        recursion(1)

    def __getattr__(self, name: str) -> Any:
        return make(1)


def finalizers(rounds: int) -> None:
    for i in range(rounds):
        o: Any = Finalized()
        o.anything  # noqa: B018
        o = [o, i]
        o.append(o)
        o = None
        functools.reduce(lambda a, b: make(1), range(3))
        if i % 100 == 0:
            gc.collect()


def code_that_dies(rounds: int) -> None:
    for i in range(rounds):
        space: dict[str, Any] = {"make": make}
        text = f"def f{i % 7}(n):\n" + "    n = n\n" * (i % 5) + "    return make(n)\n"
        exec(compile(text, f"made-{i % 11}.py", "exec"), space)
        space[f"f{i % 7}"](i % 4)


class Meta(type):
    def __call__(cls, *args: Any) -> Any:
        make(1)
        return super().__call__(*args)


class Built(metaclass=Meta):
    def __init__(self, n: int) -> None:
        self.made = make(n)

    @property
    def again(self) -> Any:
        return make(2)


def protocols(rounds: int) -> None:
    for i in range(rounds):
        b = Built(i & 3)
        b.again  # noqa: B018
        list(map(lambda n: make(n), range(3)))
        max(range(3), key=lambda n: len(make(n)))
        {n: make(n) for n in range(3)}


# ---- tasks and threads --------------------------------------------------------------------------


async def coroutine(n: int) -> Any:
    if not n:
        await asyncio.sleep(0)
        return make(2)
    value = await coroutine(n - 1)
    await asyncio.sleep(0)
    make(1)
    return value


async def stream(n: int) -> Any:
    for i in range(n):
        await asyncio.sleep(0)
        yield make(i & 3)


async def tasks() -> None:
    for _ in range(6):
        await asyncio.gather(*(coroutine(i) for i in range(20)))
        async for _ in stream(20):
            make(1)


def threads(count: int) -> None:
    def work() -> None:
        generators(600)
        recursion(60)
        exceptions(60)

    some = [threading.Thread(target=work) for _ in range(count)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()


def handed_over() -> None:
    """A generator that one thread begins and another goes on with."""
    g = numbers(200)
    for _ in range(20):
        thread = threading.Thread(target=lambda: [one_way(g) for _ in range(5)])
        thread.start()
        thread.join()
        other_way(g)


def greenlets() -> str:
    try:
        import greenlet
    except ImportError:
        return "no greenlets"

    def work() -> None:
        for i in range(150):
            make(1)
            down(i % 9, 1)
            home.switch()

    home = greenlet.getcurrent()
    running = [greenlet.greenlet(work) for _ in range(6)]
    for i in range(120):
        for g in running:
            down(2, 1) if i & 1 else make(1)
            g.switch()
            make(1)
    return "greenlets"


def main() -> int:
    horizon = int(sys.argv[1]) if len(sys.argv) > 1 else 32
    sys.setrecursionlimit(5000)
    INSIDE.track_start(horizon=horizon)
    for _ in range(2):
        generators(2500)
        thrown_into(300)
        exceptions(250)
        unwound(2500)
        recursion(250)
        finalizers(500)
        code_that_dies(600)
        protocols(400)
        asyncio.run(tasks())
    handed_over()
    with_greenlets = greenlets()
    threads(4)
    down(3000, 2)
    rows = INSIDE.track_rows()
    INSIDE.track_stop()
    checked, wrong = rows["checked"], rows["mismatched"]
    release = sys.version.split()[0]
    print(f"{release}: horizon {horizon}, {checked} stacks, {wrong} wrong, {with_greenlets}")
    if not checked:
        print("this core does not check: build it with -Dtrack_check=true")
    return 0 if checked and not wrong else 1


if __name__ == "__main__":
    sys.exit(main())
