"""A cookie jar of aiohttp made an entry for each path it was asked for (aio-libs/aiohttp#11052)."""

import sys
import asyncio
from aiohttp import CookieJar
from yarl import URL

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


async def crawl(pages):
    jar = CookieJar()
    jar.update_cookies({"session": "c0ffee"}, URL("http://shop.example/"))
    sent = 0
    for page in range(pages):
        url = URL(f"http://shop.example/catalogue/{page % 50}/item/{page}")
        sent += len(jar.filter_cookies(url))
    return sent


print(asyncio.run(crawl(int(25_000 * SIZE))))
