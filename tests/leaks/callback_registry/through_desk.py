"""Leak: jobs put themselves on the list of their desk; what empties the list stands in the desk."""
import functools


class Desk:
    def __init__(self):
        self.jobs = []

    def clear(self, tag=None):
        if tag is None:
            del self.jobs[:]
        else:
            self.jobs[:] = [job for job in self.jobs if tag != job.tag]


class Job:
    def __init__(self, desk):
        self.desk = desk
        self.tag = None

    def do(self, what, *args):
        self.work = functools.partial(what, *args)
        self.desk.jobs.append(self)
        return self


def remind(order):
    return order["lines"]


desk = Desk()


def handle(number):
    order = {"id": number, "lines": ["line %d" % i for i in range(12)]}
    Job(desk).do(remind, order).tag = "order %d" % number
    return sum(i * i for i in range(1_500)) % 3


print(sum(handle(number) for number in range(6_000)))
