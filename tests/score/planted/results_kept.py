"""A batch in a thread pool that keeps every future for a summary which only needs their number."""
import concurrent.futures as cf
import sys
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Batch:
    def __init__(self, workers):
        self.pool = cf.ThreadPoolExecutor(workers)
        self.futures = []

    def feed(self, blob):
        future = self.pool.submit(self.pack, blob)
        self.futures.append(future)
        if len(self.futures) % 8 == 0:
            future.result()

    @staticmethod
    def pack(blob):
        packed = zlib.compress(blob, 9)
        return {"packed": packed, "crc": zlib.crc32(packed), "ratio": len(packed) / len(blob),
                "head": blob[:2000]}


batch = Batch(3)
for n in range(int(4000 * SIZE)):
    batch.feed(bytes((n * k) % 251 for k in range(4000)))
batch.pool.shutdown()
print(len(batch.futures))
