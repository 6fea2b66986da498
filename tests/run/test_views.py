"""What `show` says of threads, equal values and resident memory, against what the program itself counts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conftest import Bench

THREADS = """
import json, sys, threading, time

ctx = threading.local()
go, ready = threading.Event(), threading.Barrier(15)

def worker():
    rows = [1.5 * i for i in range(3000)]
    ctx.data = bytearray(50000)
    ready.wait()
    go.wait()  # the place

def other(name):
    text = bytearray(700000)
    ready.wait()
    go.wait()

for i in range(12):
    threading.Thread(target=worker, name=f"w{i}", daemon=i < 5).start()
threading.Thread(target=other, name="lonely", daemon=True, args=("x",)).start()
threading.Thread(target=lambda: (ready.wait(), go.wait())).start()
ready.wait()
time.sleep(1)
print(json.dumps([[t.name, t.ident, t.daemon] for t in threading.enumerate()]))
go.set()
"""

EQUAL = """
import gc, json, sys

words = [("state-%d" % (i % 3)) * 2 for i in range(6000)]
blobs = [bytes([1 + i % 2]) * 80000 for i in range(10)]
alike = [bytes([7]) * 40000 + bytes([i]) + bytes([7]) * 40000 for i in range(10)]  # and none is equal
numbers = [10**12 + i % 5 for i in range(5000)]
prices = [0.25 * (i % 4) for i in range(4000)]
pairs = [("k%d" % (i % 4), 10**9 + i % 4) for i in range(2000)]

class Job:
    def __init__(self, i):
        self.state = "waiting for number %d" % (i % 2)

jobs = [Job(i) for i in range(3000)]
gc.collect()  # the collector lets go of tuples that hold nothing but leaves
print(json.dumps([sys.getsizeof(x[0]) for x in (words, blobs, numbers, prices, pairs)]))
"""

MANY = """
words = [("state-%d" % (i % 3)) * 2 for i in range(400000)]
"""

MEMORY = """
import ctypes, json, os, re, sys, tempfile, time

class Row:
    def __init__(self, i):
        self.number, self.text = 1000 + i, "text %d" % i

time.sleep(0.3)
rows = [Row(i) for i in range(250000)]
rows = rows[::40]
large = [bytearray(b"x") * 5000000 for i in range(4)]
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
lost = libc.malloc(30000000)
libc.memset(lost, 1, 30000000)
chunks = [libc.malloc(3000) for i in range(8000)]
for chunk in chunks:
    libc.memset(chunk, 1, 3000)
for chunk in chunks[::2]:
    libc.free(chunk)
del chunks, chunk
time.sleep(0.3)

class Info(ctypes.Structure):
    _fields_ = [(name, ctypes.c_size_t) for name in
                "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()]

def native_free():
    if not hasattr(libc, "mallinfo2"):
        return None
    libc.mallinfo2.restype = Info
    return libc.mallinfo2().fordblks

def arenas():
    with tempfile.TemporaryFile() as out:
        kept = os.dup(2)
        os.dup2(out.fileno(), 2)
        sys._debugmallocstats()
        os.dup2(kept, 2)
        os.close(kept)
        out.seek(0)
        text = out.read().decode()
    return [int(n.replace(",", "")) for n in re.findall(r"(?:in allocated blocks|arenas allocated current)\\s*=\\s*([\\d,]+)", text)]

said = {"arenas": arenas(), "free": native_free()}
said["rss"] = int(open("/proc/self/statm").read().split()[1]) * 4096
print(json.dumps(said))
"""


def show(bench: Bench, view: str, *options: str) -> dict[str, Any]:
    from conftest import EXE

    done = bench.execute([EXE, "show", bench.file, "--view", view, "--json", "--top", "100", *options])
    assert done.status == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def line_of(text: str, what: str) -> int:
    return next(i for i, line in enumerate(text.splitlines(), 1) if what in line)


def test_threads(bench: Bench, python: str) -> None:
    got = bench.watched(bench.script(THREADS), options=("--json", "--min-growth", "1G", "--interval", "100"))
    said = json.loads(got.stdout)
    count = got.diagnosis()["observed"]["snapshots"]
    assert count >= 4
    rows = show(bench, "threads", "--snapshot", str(count - 2))["rows"]
    assert sum(row["threads"] for row in rows) == len(said) == 15
    assert sum(row["daemons"] for row in rows) == sum(daemon for _, _, daemon in said)
    at = f"worker() (app.py:{line_of(THREADS, '# the place')})"
    workers = next(row for row in rows if row["stands_in"].startswith(at))
    assert workers["threads"] == 12 and workers["daemons"] == 5
    assert at in workers["frames"].replace(str(bench.folder) + "/", "")
    assert 12 * 3000 * 32 <= workers["retained_bytes"] <= 12 * 3000 * 34 + 12 * 4000
    assert workers["biggest"] == "worker() local rows"
    assert 12 * 50000 <= workers["thread_local_bytes"] <= 12 * 51000
    assert workers["thread_local"] == "__main__.ctx"
    told = {name: (ident, daemon) for name, ident, daemon in said}
    for row in rows:
        if row["threads"] == 1:
            assert told[row["name"]] == (row["ident"], bool(row["daemons"]))
    lonely = next(row for row in rows if row["name"] == "lonely")
    assert 700000 <= lonely["retained_bytes"] <= 705000
    assert lonely["biggest"] == "other() local text"


def test_equal_values(bench: Bench, python: str) -> None:
    sizes = json.loads(bench.watched(bench.script(EQUAL)).stdout)
    table = show(bench, "duplicates")
    rows = {row["holder"]: row for row in table["rows"] if row["holder"] and row["holder"].startswith("__main__")}
    expected = {
        "__main__.words[*]": ("str", 14, 3, 6000, sizes[0]),
        "__main__.blobs[*]": ("bytes", 80000, 2, 10, sizes[1]),
        "__main__.numbers[*]": ("int", None, 5, 5000, sizes[2]),
        "__main__.pairs[*]": ("tuple", 2, 4, 2000, None),
        "__main__.jobs[*].state": ("str", 20, 2, 3000, None),
    }
    for holder, (kind, length, values, copies, size) in expected.items():
        row = rows[holder]
        assert (row["type"], row["length"], row["values"]) == (kind, length, values), holder
        assert row["copies"] == row["copies_seen"] == copies, holder
        assert row["holder_percent"] == 100
        assert size is None or row["wasted_bytes"] == (copies - values) * size
    prices = rows["__main__.prices[*]"]
    assert prices["type"] == "float" and prices["copies"] >= 4000  # 0.0 is a constant elsewhere too
    assert "__main__.alike[*]" not in rows
    assert "state-" not in bench.file.read_bytes().decode("latin-1")


def test_very_many_equal_values(bench: Bench, python: str) -> None:
    """Only some are looked at, and stand for the others."""
    bench.watched(bench.script(MANY))
    row = show(bench, "duplicates")["rows"][0]
    assert row["holder"] == "__main__.words[*]" and row["values"] == 3
    assert row["copies_seen"] < 300000
    assert 0.95 * 400000 < row["copies"] < 1.05 * 400000


def near(value: int, truth: int, share: float = 0.03, bytes_off: int = 600000) -> bool:
    return abs(value - truth) <= max(share * truth, bytes_off)


def test_resident_memory_adds_up(bench: Bench, python: str) -> None:
    # the program asks sys._debugmallocstats(), which tells nothing of arenas where allocators are hooked
    said = json.loads(bench.watched(bench.script(MEMORY), options=("--no-track",)).stdout)
    parts = {row["part"]: row for row in show(bench, "rss")["rows"]}
    for moment in ("first_bytes", "bytes", "bytes_delta"):
        assert parts["rss"][moment] == sum(row[moment] for part, row in parts.items() if part != "rss")
    now = {part: row["bytes"] for part, row in parts.items()}
    grew = {part: row["bytes_delta"] for part, row in parts.items()}
    assert near(now["rss"], said["rss"])
    assert abs(now["unexplained"]) < 600000
    used = now["small_objects"] + now["small_other"]
    assert near(used, said["arenas"][-1], bytes_off=300000)
    assert now["arena_free_blocks"] + now["arena_free_pools"] > 10_000_000
    assert near(grew["large_objects"], 20_000_000, bytes_off=1_000_000)  # ... and what was imported
    assert grew["native"] > 40_000_000 and near(grew["native"], 42_000_000, 0.06)
    if said["free"] is not None:
        assert near(now["native_free"], said["free"], 0.1)


def test_resident_memory_without_arenas(bench: Bench, python: str) -> None:
    environment = {"PYTHONMALLOC": "malloc"}
    from conftest import environment as usual

    bench.watched("-c", "L = [str(i) * 3 for i in range(100000)]", env={**usual(), **environment})
    now = {row["part"]: row["bytes"] for row in show(bench, "rss")["rows"]}
    assert now["rss"] == sum(n for part, n in now.items() if part != "rss")
    assert now.get("small_objects", 0) == 0
    assert now["large_objects"] > 5_000_000
    assert abs(now["unexplained"]) < 600000
