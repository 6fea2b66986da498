"""Leak: an asyncio service leaves breadcrumbs in the context of its one long task."""
import asyncio

from . import scope


async def handle(number):
    scope.leave({"number": number, "text": "t" * (600 + number % 3)})
    if number % 50 == 0:
        await asyncio.sleep(0)
    return sum(i * i for i in range(1_500)) % 7


async def main():
    total = 0
    for number in range(8_000):
        total += await handle(number)
    print(total)


asyncio.run(main())
