"""Leak: each customer gets a pool of threads of his own, which is kept and never shut down."""
import concurrent.futures

pools = {}


def count(order):
    rows = [f"{order} {n}" for n in range(300)]
    return sum(map(len, rows)) + sum(i * i for i in range(6_000)) % 3


def serve(customer):
    pool = pools[customer] = concurrent.futures.ThreadPoolExecutor(max_workers=3)
    return sum(pool.map(count, range(12)))


def main():
    print(sum(serve(f"customer {number}") for number in range(90)))


main()
