"""Leak: tasks wait for an event that never comes; a set keeps each of them."""
import asyncio
import logging

waiting = set()


async def wait(event, payload):
    await event.wait()
    return payload


def start(event):
    waiting.add(asyncio.ensure_future(wait(event, bytearray(800))))


async def main():
    event = asyncio.Event()
    for number in range(10_000):
        start(event)
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(2_000))
    print(len(waiting))


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it minds tasks that are left
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
