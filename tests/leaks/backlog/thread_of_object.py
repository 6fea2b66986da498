"""Leak: a pipeline's thread takes less than is fed in; main() has the pipeline."""

import queue
import threading
import time


class Pipeline:
    def __init__(self):
        self.jobs = queue.Queue()
        self.done = 0
        threading.Thread(target=self.consume, daemon=True).start()

    def consume(self):
        while True:
            job = self.jobs.get()
            time.sleep(0.004)
            self.done += len(job)

    def feed(self, number):
        self.jobs.put({"number": number, "text": "job %d " % number * 120})


def main():
    pipeline = Pipeline()
    total = 0
    for number in range(8_000):
        pipeline.feed(number)
        total += sum(i * i for i in range(400)) % 7
    print(total)


main()
