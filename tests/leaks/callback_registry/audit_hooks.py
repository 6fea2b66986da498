"""Leak: each job adds an audit hook; the interpreter has no way to take one off again."""
import sys


class Auditor:
    def __init__(self, job):
        self.job = job
        self.seen = ["%d/%d" % (job, i) for i in range(60)]

    def __call__(self, event, arguments):
        if event == "open":
            self.seen.append(event)


def work(job):
    sys.addaudithook(Auditor(job))
    return sum(divmod(i, 7)[1] for i in range(3_000))


print(sum(work(job) for job in range(800)))
