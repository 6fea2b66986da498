"""Gathers many tasks and sums up what they give: their results are one call's result."""

import asyncio


async def fetch(number, gate):
    async with gate:
        await asyncio.sleep(0)
        return {"number": number, "text": "page %d " % number * 50, "rest": sum(range(900))}


async def main():
    gate = asyncio.Semaphore(3)
    pages = await asyncio.gather(*[fetch(number, gate) for number in range(4_000)])
    print(sum(len(page["text"]) for page in pages))


asyncio.run(main())
