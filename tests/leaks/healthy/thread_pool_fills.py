"""Healthy: a pool starts a thread whenever all are busy, up to its size, and then no more."""
import concurrent.futures


def work(number):
    rows = [number + i for i in range(20_000)]
    return len(rows) + sum(i * i for i in range(3_000)) % 7


with concurrent.futures.ThreadPoolExecutor(max_workers=24) as pool:
    total = 0
    for start in range(0, 1_200, 30):
        total += sum(pool.map(work, range(start, start + 30)))
print(total)
