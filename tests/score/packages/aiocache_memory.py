"""aiocache's SimpleMemoryCache without a time to live. Proper use: delete, or a ttl."""
import asyncio
import sys

from aiocache import SimpleMemoryCache

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Profiles:
    def __init__(self):
        self.cache = SimpleMemoryCache()

    async def fetch(self, user):
        key = f"profile:{user}"
        found = await self.cache.get(key)
        if found is None:
            found = {"user": user, "scores": [user * n % 101 for n in range(60)]}
            await self.cache.set(key, found)
        if PROPER and user % 10 == 9:
            await self.cache.clear()
        return len(found["scores"])


async def main():
    profiles = Profiles()
    print(sum([await profiles.fetch(n // 2) for n in range(int(25_000 * SIZE))]))


asyncio.run(main())
