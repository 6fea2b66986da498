"""Stages in threads with bounded queues between them: read, decode, reduce, store in batches."""
import hashlib
import json
import queue
import random
import sys
import threading
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
END = object()


class Stage(threading.Thread):
    def __init__(self, name, work, source, target, workers_before=1):
        super().__init__(name=name)
        self.work, self.source, self.target, self.ends = work, source, target, workers_before
        self.handled, self.failed = 0, 0

    def run(self):
        while True:
            item = self.source.get()
            if item is END:
                self.ends -= 1
                if not self.ends:
                    if self.target:
                        self.target.put(END)
                    return
                continue
            try:
                result = self.work(item)
            except (ValueError, zlib.error):
                self.failed += 1
                continue
            self.handled += 1
            if self.target and result is not None:
                self.target.put(result)


class Store:
    """Writes batches, and knows the last few digests to leave out what came twice."""

    def __init__(self, path):
        self.file, self.batch, self.lately, self.order = open(path, "w"), [], set(), queue.SimpleQueue()
        self.kept = 0

    def __call__(self, record):
        digest = hashlib.blake2b(json.dumps(record, sort_keys=True).encode(), digest_size=8).digest()
        if digest in self.lately:
            return
        self.lately.add(digest)
        self.order.put(digest)
        if len(self.lately) > 5000:
            self.lately.discard(self.order.get())
        self.batch.append(record)
        if len(self.batch) >= 256:
            self.flush()

    def flush(self):
        self.file.writelines(json.dumps(record) + "\n" for record in self.batch)
        self.kept += len(self.batch)
        self.batch.clear()
        if self.file.tell() > 2_000_000:
            self.file.seek(0)
            self.file.truncate()


def decoded(data):
    return json.loads(zlib.decompress(data))


def reduced(record):
    values = record.pop("values")
    record.update(mean=sum(values) / len(values), spread=max(values) - min(values))
    return record


raw, plain, small = queue.Queue(50), queue.Queue(50), queue.Queue(50)
store = Store("records.jsonl")
stages = [Stage("decode", decoded, raw, plain), Stage("reduce", reduced, plain, small),
          Stage("store", store, small, None)]
for stage in stages:
    stage.start()
rng = random.Random(13)
for number in range(int(14_000 * SIZE)):
    record = {"id": number - number % 3, "sensor": f"s{number % 90}", "values": [rng.random() for _ in range(60)]}
    data = zlib.compress(json.dumps(record).encode(), 1)
    raw.put(data[:20] if number % 200 == 0 else data)
raw.put(END)
for stage in stages:
    stage.join()
store.flush()
store.file.close()
print(store.kept > 0, stages[0].failed > 0, stages[1].handled == stages[0].handled)
