"""Decoy: each call has a timeout and takes it off again, and never waits, so that the loop does not turn."""

import asyncio


async def answer(number):
    timeout = asyncio.get_running_loop().call_later(5, print, "too late")
    try:
        return sum(range(number % 500))
    finally:
        timeout.cancel()


async def main():
    total = 0
    for number in range(30_000):
        total += await answer(number)
    print(total)


asyncio.run(main())
