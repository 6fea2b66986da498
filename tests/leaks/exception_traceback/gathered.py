"""Leak: asyncio.gather(return_exceptions=True) hands out exceptions, and all are kept."""
import asyncio

outcomes = []


async def download(number):
    body = bytearray(2_000)
    await asyncio.sleep(0)
    if body[number % 2_000] == 0:
        raise ConnectionError("download %d" % number)
    return len(body)


async def main():
    for start in range(0, 5_000, 25):
        some = await asyncio.gather(*(download(start + i) for i in range(25)),
                                    return_exceptions=True)
        outcomes.extend(some)
        sum(i * i for i in range(12_000))
    print(len(outcomes))


asyncio.run(main())
