"""Decoy: a pool makes its workers at the start, each with a finalizer of its own, and uses them."""
import weakref


class Worker:
    def __init__(self, number):
        self.text = f"worker {number} " * 60
        weakref.finalize(self, self.close)

    def close(self):
        self.text = ""

    def work(self, number):
        return len(self.text) + sum(i * i for i in range(1_200)) % 3


def main():
    workers = [Worker(number) for number in range(3_000)]
    print(sum(workers[number % 3_000].work(number) for number in range(12_000)))


main()
