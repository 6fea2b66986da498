import asyncio


class Feed:
    current = None

    def __init__(self):
        self.events = asyncio.Queue()
        self.handled = 0

    async def produce(self, count):
        for number in range(count):
            await self.events.put({"number": number, "text": "event %d " % number * 60})
            sum(i * i for i in range(1_200))
            if number % 4 == 0:
                await asyncio.sleep(0)

    async def consume(self):
        while True:
            event = await self.events.get()
            self.handled += len(event["text"]) > 0
            await asyncio.sleep(0)


async def run(count):
    feed = Feed.current = Feed()
    consumer = asyncio.ensure_future(feed.consume())
    await feed.produce(count)
    consumer.cancel()
    return feed.handled > 0
