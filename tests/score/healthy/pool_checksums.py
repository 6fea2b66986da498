"""Compresses and checks blobs in a thread pool, with a bounded number of them in flight."""
import concurrent.futures as cf
import hashlib
import random
import sys
import threading
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
local = threading.local()


def scratch():
    """A buffer for each worker thread."""
    if not hasattr(local, "buffer"):
        local.buffer = bytearray(64 * 1024)
    return local.buffer


def job(number):
    rng = random.Random(number)
    buffer = scratch()
    for at in range(0, len(buffer), 16):
        buffer[at:at + 4] = rng.getrandbits(32).to_bytes(4, "little")
    packed = zlib.compress(buffer, 6)
    back = zlib.decompress(packed)
    if hashlib.sha256(back).digest() != hashlib.sha256(buffer).digest():
        raise ValueError(f"blob {number} came back changed")
    return number, len(packed)


def main():
    total = done = 0
    numbers = iter(range(int(500 * SIZE)))
    with cf.ThreadPoolExecutor(4, thread_name_prefix="packer") as pool:
        flying = {pool.submit(job, n) for n, _ in zip(numbers, range(16))}
        while flying:
            ready, flying = cf.wait(flying, return_when=cf.FIRST_COMPLETED)
            for future in ready:
                _, size = future.result()
                total += size
                done += 1
                following = next(numbers, None)
                if following is not None:
                    flying.add(pool.submit(job, following))
    print(done, total > 0)


if __name__ == "__main__":
    main()
