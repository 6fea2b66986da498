"""A job queue: producers, workers with retries, a dead-letter box that is emptied, timers, logging."""
import io
import logging
import logging.handlers
import queue
import random
import sys
import threading

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
log = logging.getLogger("jobs")
log.setLevel(logging.INFO)
log.propagate = False
log.addHandler(logging.handlers.RotatingFileHandler("jobs.log", maxBytes=200_000, backupCount=2))
log.handlers[0].setFormatter(logging.Formatter("%(asctime)s %(threadName)s %(message)s"))


class Temporary(Exception):
    pass


class Job:
    def __init__(self, number):
        self.number, self.tries, self.payload, self.error = number, 0, bytes(number % 5000), None

    def run(self, rng):
        self.tries += 1
        if rng.random() < 0.1:
            raise Temporary(f"job {self.number}")
        if rng.random() < 0.01:
            raise ValueError(f"job {self.number} is broken")
        return sum(self.payload) + len(io.StringIO("x" * 500).getvalue())


class Workers:
    def __init__(self, count):
        self.todo, self.dead = queue.Queue(maxsize=200), queue.Queue()
        self.done, self.lock = 0, threading.Lock()
        self.threads = [threading.Thread(target=self.work, args=(n,), name=f"worker-{n}")
                        for n in range(count)]

    def work(self, number):
        rng = random.Random(number)
        while (job := self.todo.get()) is not None:
            while True:
                try:
                    job.run(rng)
                    with self.lock:
                        self.done += 1
                    break
                except Temporary as error:
                    job.error = error
                    log.info("again: %s", error)
                except ValueError:
                    log.exception("given up")
                    self.dead.put(job)
                    break

    def bury(self):
        buried = 0
        while True:
            try:
                self.dead.get_nowait()
            except queue.Empty:
                return buried
            buried += 1


workers = Workers(3)
for thread in workers.threads:
    thread.start()
buried = 0
total = int(90_000 * SIZE)
for n in range(total):
    workers.todo.put(Job(n))
    if n % 500 == 0:
        buried += workers.bury()
for _ in workers.threads:
    workers.todo.put(None)
for thread in workers.threads:
    thread.join()
print(workers.done + buried + workers.bury() == total)
