"""Healthy: thousands of jobs are started before the first is done; each takes itself off the table of
those in flight."""
import asyncio

in_flight = set()


class Job:
    def __init__(self, number):
        self.number = number
        self.lines = ["line %d of %d" % (i, number) for i in range(12)]


async def run(number, go):
    job = Job(number)
    in_flight.add(job)
    checked = sum(i * i for i in range(1_500)) % 7
    await go.wait()
    checked += sum(i * i for i in range(1_500)) % 7
    in_flight.discard(job)
    return checked + len(job.lines)


async def main():
    go = asyncio.Event()
    jobs = [asyncio.ensure_future(run(number, go)) for number in range(5_000)]
    for _ in range(5):
        await asyncio.sleep(0)
    go.set()
    print(sum(await asyncio.gather(*jobs)), len(in_flight))


asyncio.run(main())
