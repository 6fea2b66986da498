"""Healthy, larger: a service of threads with queues, locks, thread-locals, events and a bounded
store."""
import collections
import queue
import threading


class Store:
    def __init__(self, limit):
        self.lock = threading.Lock()
        self.limit = limit
        self.items = collections.OrderedDict()

    def put(self, key, value):
        with self.lock:
            self.items[key] = value
            if len(self.items) > self.limit:
                self.items.popitem(last=False)


class Service:
    def __init__(self, workers):
        self.jobs = queue.Queue(maxsize=200)
        self.store = Store(1_000)
        self.local = threading.local()
        self.totals = [0] * workers
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(workers)]
        for thread in self.threads:
            thread.start()

    def work(self, index):
        self.local.scratch = bytearray(10_000)
        while True:
            job = self.jobs.get()
            if job is None:
                return
            answer = "answer %d " % job * 20
            self.local.scratch[:len(answer)] = answer.encode()
            self.store.put(job, answer)
            self.totals[index] += len(answer)

    def stop(self):
        for _ in self.threads:
            self.jobs.put(None)
        for thread in self.threads:
            thread.join()
        return sum(self.totals)


service = Service(4)
for number in range(80_000):
    service.jobs.put(number)
print(service.stop(), len(service.store.items))
