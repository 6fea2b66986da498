"""Healthy: each request has a thread of its own, which ends with it."""
import threading


def handle(number, results):
    rows = [number + i for i in range(5_000)]
    results[number % 10] = len(rows)


total = 0
results = {}
for number in range(400):
    thread = threading.Thread(target=handle, args=(number, results))
    thread.start()
    total += sum(i * i for i in range(10_000)) % 7
    thread.join()
print(total, len(results))
