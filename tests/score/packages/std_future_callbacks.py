"""Requests wait for the server's shutdown with a callback on its future, and never take it back.
Proper use: remove_done_callback."""
import asyncio
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Request:
    def __init__(self, number):
        self.number = number
        self.body = f"request {number} " * 120

    def aborted(self, future):
        self.body = ""

    async def serve(self, stopping):
        stopping.add_done_callback(self.aborted)
        await asyncio.sleep(0)
        size = len(self.body.split())
        if PROPER:
            stopping.remove_done_callback(self.aborted)
        return size


async def main():
    stopping = asyncio.get_running_loop().create_future()
    total = 0
    for n in range(int(25_000 * SIZE)):
        total += await Request(n).serve(stopping)
    print(total)
    stopping.cancel()


asyncio.run(main())
