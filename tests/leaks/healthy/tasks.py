"""Decoy: thousands of tasks at once, all of them finish, wave after wave."""
import asyncio


async def job(number):
    await asyncio.sleep(0)
    return number % 7


async def main():
    total = 0
    for wave in range(12):
        total += sum(await asyncio.gather(*[job(number) for number in range(wave, 4_000)]))
    print(total)


asyncio.run(main())
