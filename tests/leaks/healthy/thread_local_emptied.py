"""Healthy: what a request leaves with its thread is taken out when the request is over."""
import threading

state = threading.local()


def request(number):
    state.seen = []
    try:
        for step in range(20):
            state.seen.append("request %d step %d" % (number, step) + "." * 300)
        return sum(i * i for i in range(2_000)) % 7
    finally:
        state.seen.clear()


def worker(numbers, results):
    results.append(sum(request(number) for number in numbers))


results = []
threads = [threading.Thread(target=worker, args=(range(n, 4_000, 3), results)) for n in range(3)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print(sum(results))
