"""One measurement in a process of its own, on the heap of workload.py. Prints one JSON object.

    python probe.py CASE OBJECTS [FILE]

CASE is heaplens (snapshots into FILE, each beside a bare clone), growth (four snapshots of a heap
that grows, into FILE), floor, objgraph, guppy or pympler.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from typing import Any, Callable

import workload

REPEATS = 3  # snapshots of one heap; the caller takes the median


def memory(field: str) -> int:
    with open("/proc/self/status") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0


def measured(work: Callable[[], Any]) -> dict[str, Any]:
    """CPU and wall seconds of work(), and by how much it raised the peak of memory."""
    with open("/proc/self/clear_refs", "w") as refs:
        refs.write("5")
    before = memory("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    answer = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    return {"cpu_s": cpu, "wall_s": wall, "peak_bytes": memory("VmHWM") - before, "said": answer}


def heaplens_case(path: str) -> dict[str, Any]:
    import floor

    import heaplens

    rows = []
    for _ in range(REPEATS):
        bare = floor.pause()
        if os.path.exists(path):
            os.unlink(path)
        wall, cpu = time.perf_counter(), time.process_time()
        found = heaplens.snapshot(path).summary
        cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
        assert found is not None
        rows.append(
            {
                "wall_s": wall,
                "cpu_s": cpu + found.walk_seconds,
                "walk_s": found.walk_seconds,
                "pause_s": found.pause_seconds,
                "clone_s": bare / 1e9,
                "child_bytes": found.child_bytes,
                "file_bytes": found.file_bytes,
                "objects": found.objects,
                "nodes": found.nodes,
                "edges": found.edges,
            }
        )
    return {"rows": rows}


def growth_case(root: dict[str, Any], path: str) -> dict[str, Any]:
    import heaplens

    kept = []
    root["kept"] = kept
    objects = []
    for step in range(4):
        if step:
            kept.extend({"step": step, "row": [row]} for row in range(1000, 11_000))
        found = heaplens.snapshot(path, append=step > 0).summary
        assert found is not None
        objects.append(found.objects)
    return {"objects": objects}


def floor_case() -> dict[str, Any]:
    import floor

    graph = measured(lambda: floor.graph(gc.get_objects()))
    dominators = measured(floor.dominators)
    return {"graph": graph, "dominators": dominators}


def objgraph_case(root: dict[str, Any]) -> dict[str, Any]:
    import objgraph

    order = root["orders"][f"order-{len(root['orders']) // 2}"]
    types = measured(lambda: len(objgraph.typestats()))
    chain = measured(
        lambda: len(
            objgraph.find_backref_chain(order.document["extra"]["box"], objgraph.is_proper_module)
        )
    )
    return {"types": types, "chain": chain}


def guppy_case(root: dict[str, Any]) -> dict[str, Any]:
    from guppy import hpy

    h = hpy()
    types = measured(lambda: len(str(h.heap())))
    retained = measured(lambda: h.iso(root).domisize)
    return {"types": types, "retained": retained}


def pympler_case() -> dict[str, Any]:
    from pympler import muppy, summary

    return {"types": measured(lambda: len(summary.summarize(muppy.get_objects())))}


def main() -> None:
    case, n = sys.argv[1], int(sys.argv[2])
    path = sys.argv[3] if len(sys.argv) > 3 else ""
    gc.disable()
    root = workload.fill(n)
    sys.modules["__main__"].heap = root  # reached by a name
    gc.collect()
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        "heaplens": lambda: heaplens_case(path),
        "growth": lambda: growth_case(root, path),
        "floor": floor_case,
        "objgraph": lambda: objgraph_case(root),
        "guppy": lambda: guppy_case(root),
        "pympler": pympler_case,
    }
    print(json.dumps(cases[case](), default=str))


if __name__ == "__main__":
    main()
