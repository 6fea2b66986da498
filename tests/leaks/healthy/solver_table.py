"""Healthy: a search in main() looks up and stores in a table, takes out what is done, and answers."""
import asyncio


class Search:
    def __init__(self):
        self.open = {}
        self.done = 0

    def push(self, place, cost):
        if place not in self.open or self.open[place] > cost:
            self.open[place] = cost

    def take(self):
        place = next(iter(self.open))
        cost = self.open.pop(place)
        self.done += 1
        return place, cost


async def main():
    search = Search()
    search.push((0, 0), 0)
    while search.done < 25_000:
        (x, y), cost = search.take()
        for step in range(2):
            search.push((x + step, y + 1 - step), cost + sum(i for i in range(60)) % 7)
        if search.done % 50 == 0:
            await asyncio.sleep(0)
    print(search.done, len(search.open) > 0)


asyncio.run(main())
