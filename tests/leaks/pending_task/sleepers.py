"""Leak: each visit starts a task that cleans up after a day; a busy day is long."""
import asyncio
import logging


async def forget_later(session):
    await asyncio.sleep(86_400)
    session.clear()


async def visit(number):
    session = {"number": number, "page": "p" * (1_000 + number % 5)}
    asyncio.ensure_future(forget_later(session))
    return len(session["page"])


async def main():
    total = 0
    for number in range(6_000):
        total += await visit(number)
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(15_000))
    print(total)


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it minds tasks that are left
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
