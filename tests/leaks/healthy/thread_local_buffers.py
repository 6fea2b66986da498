"""Healthy: each thread of a pool has a buffer of its own, made when it is first used."""
import concurrent.futures
import threading

own = threading.local()


def work(number):
    if not hasattr(own, "buffer"):
        own.buffer = bytearray(1_000_000)
    own.buffer[number % 1_000_000] = number % 251
    return sum(i * i for i in range(2_000)) % 7


with concurrent.futures.ThreadPoolExecutor(max_workers=8) as pool:
    print(sum(pool.map(work, range(4_000))))
