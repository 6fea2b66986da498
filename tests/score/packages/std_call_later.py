"""A time-out of an hour for each request, never cancelled: the loop's heap of timers keeps it, its
callback and what that holds. Proper use: cancel()."""
import asyncio
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Request:
    def __init__(self, number):
        self.number, self.body = number, f"body {number} " * 60

    def expired(self):
        self.body = ""

    async def serve(self):
        timer = asyncio.get_running_loop().call_later(3600, self.expired)
        await asyncio.sleep(0)
        words = len(self.body.split())
        if PROPER:
            timer.cancel()
        return words


async def main():
    total = 0
    for n in range(int(30_000 * SIZE)):
        total += await Request(n).serve()
    print(total)


asyncio.run(main())
