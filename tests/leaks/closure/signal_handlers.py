"""Leak: each handler of a signal calls the one that was there before, and is set once a job."""

import signal


def watch_for_signal(job):
    before = signal.getsignal(signal.SIGUSR1)
    progress = {"job": job, "steps": [job + step for step in range(60)]}

    def report(number, frame):
        print(progress["job"], len(progress["steps"]))
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGUSR1, report)


total = 0
for job in range(3_000):
    watch_for_signal(job)
    total += sum(i * i for i in range(800)) % 7
print(total)
