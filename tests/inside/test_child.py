"""The clone: what it leaves behind, what it survives, what it says when it cannot."""

from __future__ import annotations

import subprocess

from heapview import FROZEN, GEN0, GEN1, PYTHON, TRACKED


def test_nothing_changes_in_the_program(run) -> None:
    _, said = run("""
import os, signal, threading
class A: pass
objects = [A() for _ in range(100)]
for o in objects: o.x = [o]
seen = []
signal.signal(signal.SIGCHLD, lambda *a: seen.append(a))
def state():
    return ([sys.getrefcount(o) for o in objects], sys.getrefcount(A), gc.get_count()[1:],
            gc.isenabled(), os.listdir("/proc/self/fd").__len__(), threading.active_count(),
            signal.getsignal(signal.SIGCHLD) is not None, signal.pthread_sigmask(signal.SIG_BLOCK, ()))
before = state()
blocks = sys.getallocatedblocks()
snapshot()
said["blocks"] = sys.getallocatedblocks() - blocks
said["same"] = before == state()
try:
    os.waitpid(-1, os.WNOHANG)
    said["children"] = True
except ChildProcessError:
    said["children"] = False
said["signals"] = len(seen)
said["dict"] = sys.getsizeof(objects[0])
""")
    assert said["same"] and not said["children"] and said["signals"] == 0
    assert abs(said["blocks"]) < 30


def test_threads_that_never_rest(run) -> None:
    heap, said = run(
        """
import threading
stop = False
class Node:
    def __init__(self, n): self.next, self.data = n, {"k": [n]}
def churn():
    while not stop:
        chain = None
        for i in range(200): chain = Node(chain)
        sorted([str(i) for i in range(100)])
threads = [threading.Thread(target=churn) for _ in range(4)]
for t in threads: t.start()
for i in range(10):
    _inside.snapshot(sys.argv[1], append=i > 0)
stop = True
for t in threads: t.join()
""",
        index=9,
    )
    assert len(heap.nodes) > 5000
    assert heap.info["skipped"] == "0"


def test_generations_and_frozen(run) -> None:
    heap, said = run("""
gc.disable()
class A: pass
old = [A()]
gc.collect()
ice = [A()]
gc.freeze()
young = [A()]
atoms = {"a": 1}
snapshot()
said = {k: id(globals()[k]) for k in ("old", "ice", "young", "atoms")}
said["tracked"] = gc.is_tracked(atoms)  # every dict is, since 3.14
said["thresholds"], said["stats"] = gc.get_threshold(), gc.get_stats()
""")
    tracked, thresholds, stats = said.pop("tracked"), said.pop("thresholds"), said.pop("stats")
    assert int(heap.info["gc_threshold0"]) == thresholds[0]
    for generation in range(3):
        told = int(heap.info[f"gc_collections{generation}"])
        assert told == stats[generation]["collections"]
    assert sum(generation["collections"] for generation in stats) > 0
    flags = {name: heap.nodes[at].flags for name, at in said.items()}
    assert flags["young"] & GEN0 and flags["young"] & TRACKED
    assert flags["ice"] & FROZEN and flags["old"] & FROZEN and not flags["ice"] & (GEN0 | GEN1)
    assert bool(flags["atoms"] & TRACKED) == tracked
    assert heap.info["gc_enabled"] == "0" and int(heap.info["gc_frozen"]) > 1000


def test_inside_a_collection(run) -> None:
    heap, _ = run("""
class Slow:
    def __del__(self):
        if not done:
            done.append(1)
            snapshot()
done = []
a = Slow()
a.me = a
kept = [[i] for i in range(1000)]
del a
gc.collect()
said["done"] = len(done)
""")
    assert heap.info["gc_running"] == "1" and len(heap.nodes) > 5000


def test_deep_structures_need_no_stack(run) -> None:
    heap, _ = run("""
chain = None
for i in range(300000): chain = [chain]
deep = {}
at = deep
for i in range(100000): at["x"] = {}; at = at["x"]
snapshot()
import os
sys.stdout.write(json.dumps(said)); sys.stdout.flush(); os._exit(0)
""")
    assert sum(node.type == "list" for node in heap.nodes.values()) > 300000


def program(text: str, tmp_path, *words: str) -> subprocess.CompletedProcess:
    script = tmp_path / "program.py"
    script.write_text("import sys, heaplens._inside as i\n" + text)
    return subprocess.run(
        [PYTHON, str(script), *words], capture_output=True, text=True, timeout=120
    )


def test_messages(tmp_path) -> None:
    there = tmp_path / "there.hlens"
    there.write_text("x")
    done = program("i.snapshot(sys.argv[1])", tmp_path, str(there))
    assert "FileExistsError" in done.stderr and there.read_text() == "x"
    done = program("i.snapshot(sys.argv[1])", tmp_path, str(tmp_path / "no" / "x"))
    assert "OSError" in done.stderr or "Error" in done.stderr
    done = program("i.snapshot(sys.argv[1], append=True)", tmp_path, str(there))
    assert done.returncode == 1 and "there.hlens" in done.stderr
    done = program("i.snapshot('/dev/full', append=True)", tmp_path)
    assert done.returncode == 1


def test_a_full_disk_is_said(tmp_path) -> None:
    done = program(
        """
import resource, signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
try:
    i.snapshot(sys.argv[1])
except (OSError, RuntimeError) as e:
    print(type(e).__name__, e)
""",
        tmp_path,
        str(tmp_path / "heap.hlens"),
    )
    assert done.returncode == 0 and "not finished" in done.stdout, done.stdout + done.stderr


def test_many_snapshots_leave_no_child(tmp_path) -> None:
    done = program(
        """
import os, time
for k in range(30): i.snapshot(sys.argv[1], append=k > 0)
time.sleep(0.5)
i.snapshot(sys.argv[1], append=True)
time.sleep(0.3)
import subprocess
kids = open(f"/proc/self/task/{os.getpid()}/children").read().split()
print(len(kids))
""",
        tmp_path,
        str(tmp_path / "heap.hlens"),
    )
    assert done.returncode == 0 and int(done.stdout) <= 1, done.stdout + done.stderr
