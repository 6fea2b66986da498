"""A store of keys in sorted files: writes go to a log and a table in memory, which is written out when
full; files are merged, readers keep a few blocks."""
import bisect
import collections
import json
import os
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Table:
    """A sorted file with a sparse index of its keys."""

    def __init__(self, path, items):
        self.path, self.index, self.count = path, [], 0
        with open(path, "wb") as file:
            for number, (key, value) in enumerate(items):
                if number % 64 == 0:
                    self.index.append((key, file.tell()))
                file.write(json.dumps([key, value]).encode() + b"\n")
                self.count += 1

    def block(self, at):
        start = self.index[at][1]
        end = self.index[at + 1][1] if at + 1 < len(self.index) else os.path.getsize(self.path)
        with open(self.path, "rb") as file:
            file.seek(start)
            return dict(map(json.loads, file.read(end - start).splitlines()))

    def items(self):
        with open(self.path, "rb") as file:
            for line in file:
                yield json.loads(line)


class Store:
    def __init__(self):
        self.recent, self.tables, self.made = {}, [], 0
        self.blocks, self.log = collections.OrderedDict(), open("store.log", "w")

    def put(self, key, value):
        self.log.write(f"{key}\t{value}\n")
        self.recent[key] = value
        if len(self.recent) >= 2000:
            self.write_out()

    def write_out(self):
        self.tables.append(self.table(sorted(self.recent.items())))
        self.recent = {}
        self.log.seek(0)
        self.log.truncate()
        if len(self.tables) >= 6:
            self.compact()

    def table(self, items):
        self.made += 1
        return Table(f"table-{self.made}", items)

    def compact(self):
        merged = {}
        for table in self.tables:
            merged.update(table.items())
        old, self.tables = self.tables, [self.table(sorted(merged.items()))]
        for table in old:
            os.unlink(table.path)
        self.blocks.clear()

    def get(self, key):
        if key in self.recent:
            return self.recent[key]
        for table in reversed(self.tables):
            at = bisect.bisect_right(table.index, (key, 1 << 60)) - 1
            if at < 0:
                continue
            place = (table.path, at)
            if place not in self.blocks:
                self.blocks[place] = table.block(at)
                if len(self.blocks) > 32:
                    self.blocks.popitem(last=False)
            if key in self.blocks[place]:
                return self.blocks[place][key]
        return None


rng = random.Random(14)
store, found = Store(), 0
for n in range(int(30_000 * SIZE)):
    store.put(f"key {rng.randrange(12_000):06}", "value " * (n % 20))
    if n % 4 == 0:
        found += store.get(f"key {rng.randrange(12_000):06}") is not None
store.log.close()
print(found > 0, len(store.blocks) <= 32)
