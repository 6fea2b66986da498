"""aiohttp 3.10.6 to 3.10.10 keeps the middlewares built for each request that finds no route
(CVE-2024-52303)."""
import asyncio
import sys

from aiohttp import ClientSession, web

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


@web.middleware
async def counted(request, handler):
    return await handler(request)


async def main():
    app = web.Application(middlewares=[counted])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    place = "http://127.0.0.1:%d" % runner.addresses[0][1]
    missing = 0
    async with ClientSession() as session:
        for n in range(int(3000 * SIZE)):
            async with session.get(f"{place}/no/{n}") as answer:
                missing += answer.status == 404
    await runner.cleanup()
    print(missing)


asyncio.run(main())
