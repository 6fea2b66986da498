"""Decoy: a pool of threads, results collected a batch at a time."""
import concurrent.futures


def square_sum(number):
    return sum(i * i for i in range(number % 200))


total = 0
with concurrent.futures.ThreadPoolExecutor(max_workers=6) as pool:
    for first in range(0, 12_000, 400):
        total += sum(pool.map(square_sum, range(first, first + 400)))
print(total)
