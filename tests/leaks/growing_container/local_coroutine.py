"""Leak: a coroutine that runs as long as the loop keeps every message in a local."""
import asyncio


def keep(log, number):
    log.append({"number": number, "text": "message %d " % number * 10})


async def consume(messages):
    log = []
    total = 0
    while True:
        number = await messages.get()
        if number is None:
            return total
        keep(log, number)
        total += len(log[-1]["text"]) + sum(i * i for i in range(900)) % 2


async def main():
    messages = asyncio.Queue(maxsize=10)
    task = asyncio.ensure_future(consume(messages))
    for number in range(30_000):
        await messages.put(number)
    await messages.put(None)
    print(await task)


asyncio.run(main())
