"""Submits to a thread pool without waiting: the pool's queue holds all that is still to do.
Proper use: a semaphore bounds what is in flight."""
import concurrent.futures
import sys
import threading
import time

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Uploader:
    def __init__(self):
        self.pool = concurrent.futures.ThreadPoolExecutor(2)
        self.gate = threading.Semaphore(50)

    def upload(self, blob):
        time.sleep(0.003)
        self.gate.release()
        return len(blob)

    def add(self, number):
        blob = f"blob {number} ".encode() * 150
        if PROPER:
            self.gate.acquire()
        self.pool.submit(self.upload, blob)


uploader = Uploader()
for n in range(int((800 if PROPER else 12_000) * SIZE)):
    uploader.add(n)
    sum(k * k for k in range(1200))
uploader.pool.shutdown(wait=False, cancel_futures=True)
print("done")
