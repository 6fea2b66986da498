"""Leak: each submitted job's future is kept for ever, with its result."""
import concurrent.futures

started = []
pool = concurrent.futures.ThreadPoolExecutor(max_workers=3)


def work(number):
    return {"number": number, "rows": ["row %d" % (number + i) for i in range(10)]}


def start(number):
    started.append(pool.submit(work, number))
    return len(started[-1].result()["rows"])


total = sum(start(number) for number in range(12_000))
pool.shutdown()
print(total)
