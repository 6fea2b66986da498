"""Prepares thousands of tasks, lets them all begin at once, and waits for each of them."""

import asyncio


class Job:
    def __init__(self, number):
        self.number = number
        self.page = bytearray(2_000)


async def work(gate, job, done):
    await gate.wait()
    done.append(job.number)


async def main():
    gate, done, tasks = asyncio.Event(), [], []
    for number in range(5_000):
        tasks.append(asyncio.create_task(work(gate, Job(number), done)))
        sum(range(3_000))
        if number % 10 == 0:
            await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*tasks)
    print(sum(done))


asyncio.run(main())
