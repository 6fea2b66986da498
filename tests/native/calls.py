"""What the audits of test_planted.py call: each function makes its errors once, the same every time.

HEAPLENS_CLEAN  set: the extension's healthy twin makes none
HEAPLENS_BUSY   set: six threads work meanwhile
"""

import os

if os.environ.get("HEAPLENS_CLEAN"):
    import planted_clean as planted
else:
    import planted


class Thing:
    pass


things = [Thing() for _ in range(2)]
words = [f"word-{n}" for n in range(3)]
many = [Thing() for _ in range(20_000)]
again = list(many)
exported = bytearray(100)
shelf = planted.Shelf()
turn = 0


def lists():
    planted.lists(5)


def increfs():
    planted.increfs(things)


def strings():
    planted.increfs(words)


def decrefs():
    global turn
    planted.decrefs(many, turn, 2)
    turn += 2


def none():
    planted.none()


def buffer():
    planted.buffer(exported)


def forgetful():
    planted.Forgetful()


def cycle():
    thing = Thing()
    thing.opaque = planted.Opaque(thing)


def lost_bytes():
    planted.bytes_lost(1, 500)


def lost_small_bytes():
    planted.bytes_lost(100, 100)


def lost_small_text():
    planted.str_lost(3)


def lost_small_pymem():
    planted.pymem_lost(40)


def lost_malloc():
    planted.malloc_lost(1, 333)  # alone


def lost_hundred():
    planted.malloc_lost(100, 333)


def lost_text():
    planted.text_lost("nobody frees this copy")


def lost_pymem():
    planted.pymem_lost(2000)


def lost_large_bytes():
    planted.bytes_lost(1, 5000)


kept = []


def keeps_large():
    kept.append([bytes(3000), bytearray(5000), list(range(700)), {n: n for n in range(300)},
                 set(range(300)), str(len(kept)) * 2000])


def lost_in_two_places():
    planted.malloc_lost(1, 333)
    planted.cached(40)


def cached():
    planted.cached(40)  # alone


def cached_lists():
    planted.keep([turn])


def cached_in_blocks():
    planted.keep_in_block([turn])


def cached_in_object():
    shelf.put(100)


def grown():
    planted.grown(1000)


def given_back():
    planted.given_back(20, 500)


def lost_beside_a_fork():
    import os

    planted.malloc_lost(1, 333)
    if os.fork() == 0:
        planted.malloc_lost(50, 1000)
        os._exit(0)
    os.wait()


def lost_by_a_child_of_its_own():
    import subprocess
    import sys

    code = "import os; print(os.environ.get('LD_PRELOAD'), *sorted(os.environ))"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True,
                          check=True).stdout.split()
    assert said[0] == str(os.environ.get("HEAPLENS_TEST_PRELOAD")), said
    assert not {"HEAPLENS_NATIVE", "HEAPLENS_LD_PRELOAD"} & {*said}, said


def failing():
    planted.failing()


def unchecked():
    planted.unchecked()


def raises():
    planted.raises()


def file():
    planted.file()


def references():
    lists()
    increfs()
    strings()
    decrefs()
    none()
    buffer()
    forgetful()
    cycle()


def work():
    import json
    import random

    while True:
        table = {str(n): [random.random()] * 3 for n in range(50)}
        json.loads(json.dumps(table))
        entries = iter(sorted(table))
        next(entries)
        numbers = (n for n in table)
        next(numbers)


if os.environ.get("HEAPLENS_BUSY"):
    import threading

    for _ in range(6):
        threading.Thread(target=work, daemon=True).start()
