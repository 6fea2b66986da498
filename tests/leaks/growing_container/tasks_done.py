"""Leak: every task is kept when it is done, with what it gave; nobody asks any more."""
import asyncio

finished = []


async def fetch(number):
    await asyncio.sleep(0)
    return "answer %d " % number * 20


async def main():
    for wave in range(60):
        tasks = [asyncio.create_task(fetch(number)) for number in range(wave * 300, wave * 300 + 300)]
        await asyncio.gather(*tasks)
        finished.extend(tasks)
        sum(i * i for i in range(150_000))
    print(len(finished))


asyncio.run(main())
