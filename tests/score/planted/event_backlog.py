"""A pipeline on asyncio queues whose parser is faster than its writer; nothing bounds the queue."""
import asyncio
import json
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Pipeline:
    def __init__(self):
        self.events = asyncio.Queue()
        self.written = 0

    async def parse(self, count):
        for n in range(count):
            text = json.dumps({"n": n, "tags": [f"tag {n % k}" for k in range(1, 12)]})
            await self.events.put(json.loads(text))
            if n % 4 == 0:
                await asyncio.sleep(0)

    async def write(self):
        while True:
            event = await self.events.get()
            self.written += len(json.dumps(event))
            await asyncio.sleep(0)


async def main():
    pipeline = Pipeline()
    writer = asyncio.create_task(pipeline.write())
    await pipeline.parse(int(45_000 * SIZE))
    writer.cancel()
    print(pipeline.written > 0)


asyncio.run(main())
