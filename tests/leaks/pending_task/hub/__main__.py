"""Leak: whoever enters takes the lock and none gives it back; all but the first wait at the gate."""
import asyncio
import logging

from . import rooms


async def main():
    room = rooms.lobby()
    for number in range(6_000):
        asyncio.ensure_future(room.enter("visitor %d" % number))
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(15_000))
    print(len(room.visitors))


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it minds tasks that are left
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
