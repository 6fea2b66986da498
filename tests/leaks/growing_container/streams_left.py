"""Leak: a reader has a list of its open streams, and is content with their first row: only what is
read to its end is closed and taken off."""
import asyncio


async def rows(number):
    page = ["%d row %d" % (number, n) for n in range(60)]
    for row in page:
        yield row


class Reader:
    def __init__(self):
        self.streams = []

    async def first(self, number, all_of_it):
        stream = rows(number)
        self.streams.append(stream)
        async for row in stream:
            if not all_of_it:
                return len(row) + sum(i * i for i in range(1_500)) % 5
        await stream.aclose()
        self.streams.remove(stream)
        return 0


async def main():
    reader = Reader()
    total = 0
    for number in range(4_000):
        total += await reader.first(number, number % 40 == 0)
    print(total)


asyncio.run(main())
