"""Healthy: background tasks are kept in a set while they run, and leave it when they are done."""
import asyncio

running = set()


async def save(number):
    record = bytearray(2_000)
    await asyncio.sleep(0.001)
    return len(record)


async def main():
    total = 0
    for number in range(4_000):
        task = asyncio.ensure_future(save(number))
        running.add(task)
        task.add_done_callback(running.discard)
        if number % 20 == 0:
            await asyncio.sleep(0.002)
            total += sum(i * i for i in range(20_000)) % 7
    await asyncio.gather(*running)
    print(total, len(running))


asyncio.run(main())
