"""Leak: one loader for all requests, made in main(), remembers every row; its clear() is never called."""
import asyncio


class Loader:
    def __init__(self):
        self.rows = {}

    async def load(self, key):
        if key not in self.rows:
            await asyncio.sleep(0)
            self.rows[key] = {"id": key, "text": "row %d " % key * 20}
        return self.rows[key]

    def clear(self):
        self.rows.clear()


async def request(loader, number):
    wanted = [loader.load(number * 4 + i) for i in range(4)]
    rows = await asyncio.gather(*wanted)
    return len(rows) + sum(i * i for i in range(5_000)) % 3


async def main():
    loader = Loader()
    total = 0
    for number in range(4_000):
        total += await request(loader, number)
    print(total)


asyncio.run(main())
