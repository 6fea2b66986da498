"""Leak: tasks wait for an event that never comes; a set keeps each of them."""
import asyncio

waiting = set()


async def wait(event, payload):
    await event.wait()
    return payload


async def main():
    event = asyncio.Event()
    for number in range(8_000):
        waiting.add(asyncio.ensure_future(wait(event, bytearray(800))))
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(2_000))
    print(len(waiting))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)


asyncio.run(main())
