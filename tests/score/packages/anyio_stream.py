"""anyio: a stream without a limit between a reader that is quick and a writer that is not. Proper use:
a buffer of some hundred."""
import math
import sys

import anyio

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


async def write(orders):
    total = 0
    async for order in orders:
        total += sum(n * n for n in range(60)) + order["id"]
        if not PROPER:
            await anyio.sleep(0.002)
    return total


async def main():
    send, orders = anyio.create_memory_object_stream(200 if PROPER else math.inf)
    async with anyio.create_task_group() as group:
        group.start_soon(write, orders)
        for number in range(int(60_000 * SIZE)):
            await send.send({"id": number, "text": f"order {number}"})
            if number % 20 == 0:
                await anyio.sleep(0)
        group.cancel_scope.cancel()


anyio.run(main)
