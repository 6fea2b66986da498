"""Leak: a pool is made for each batch and never shut down: its idle threads stay."""
import concurrent.futures
import os

pools = []


def load(number):
    return bytearray(200_000)


def batch(number):
    pool = concurrent.futures.ThreadPoolExecutor(max_workers=2)
    pools.append(pool)
    sizes = [len(data) for data in pool.map(load, range(4))]
    return sum(sizes) % 7 + sum(i * i for i in range(80_000)) % 7


print(sum(batch(number) for number in range(120)), flush=True)
os._exit(0)  # at the exit the pools would be shut down
