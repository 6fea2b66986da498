"""Healthy: thousands of tasks are started at once, wait for their turn, and all are done."""
import asyncio


async def job(turn, number):
    data = bytearray(1_000)
    async with turn:
        await asyncio.sleep(0)
        return len(data) + sum(i * i for i in range(2_000)) % 7


async def main():
    turn = asyncio.Semaphore(50)
    tasks = [asyncio.ensure_future(job(turn, number)) for number in range(5_000)]
    print(sum(await asyncio.gather(*tasks)))


asyncio.run(main())
