"""Twin of closure: the handler that was there before comes back when the job is over."""

import signal


def watch_for_signal(job):
    before = signal.getsignal(signal.SIGUSR1)
    progress = {"job": job, "steps": [job + step for step in range(60)]}

    def report(number, frame):
        print(progress["job"], len(progress["steps"]))
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGUSR1, report)
    return before


total = 0
for job in range(3_000):
    before = watch_for_signal(job)
    total += sum(i * i for i in range(800)) % 7
    signal.signal(signal.SIGUSR1, before)
print(total)
