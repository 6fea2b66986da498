"""Leak: jobs are put into a bounded queue that nobody empties: each put waits for ever."""
import asyncio
import logging


class Pipeline:
    def __init__(self):
        self.queue = asyncio.Queue(maxsize=10)

    async def submit(self, number):
        job = {"number": number, "data": bytearray(1_000)}
        await self.queue.put(job)


loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)  # below 3.10 a queue keeps to the loop it was made under
pipeline = Pipeline()


async def main():
    for number in range(6_000):
        asyncio.ensure_future(pipeline.submit(number))
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(15_000))
    print(pipeline.queue.qsize())


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it minds tasks that are left
loop.run_until_complete(main())
