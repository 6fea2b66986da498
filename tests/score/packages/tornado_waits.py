"""tornado.gen.with_timeout leaves its callbacks with a future that lives on. Proper use: a future of
its own for each wait."""
import asyncio
import sys
from datetime import timedelta

from tornado import gen

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


async def main():
    new = asyncio.get_running_loop().create_future
    ended, given_up = new(), 0
    for number in range(int(5000 * SIZE)):
        try:
            await gen.with_timeout(timedelta(milliseconds=0.2), new() if PROPER else ended)
        except gen.TimeoutError:
            given_up += 1 + sum(n * n for n in range(300)) % 3
    print(given_up)


asyncio.run(main())
