"""Leak: five jobs arrive for each one that is done; the deque of waiting jobs only grows."""
import collections

waiting = collections.deque()


def arrive(number):
    waiting.append({"number": number, "text": "job number %d" % number})


def work():
    job = waiting.popleft()
    return len(job["text"]) + sum(i * i for i in range(500)) % 2


def main():
    total = 0
    for number in range(50_000):
        arrive(number)
        if number % 5 == 0:
            total += work()
    print(total)


main()
