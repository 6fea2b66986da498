"""Leak: the worker thread's spans are kept in a local of the thread's, that nobody ever flushes."""
import threading


def trace(spans, number):
    try:
        kept = spans.open
    except AttributeError:
        kept = spans.open = []
    kept.append({"number": number, "tags": "t" * (700 + number % 3)})


def worker(spans, results):
    total = 0
    for number in range(8_000):
        trace(spans, number)
        total += sum(i * i for i in range(1_500)) % 7
    results.append(total)


def main():
    spans = threading.local()
    results = []
    thread = threading.Thread(target=worker, args=(spans, results))
    thread.start()
    thread.join()
    print(results[0])


main()
