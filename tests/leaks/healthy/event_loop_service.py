"""Healthy, larger: asyncio tasks, timeouts, cancellations, context variables, a semaphore."""
import asyncio
import contextvars

who = contextvars.ContextVar("who", default="nobody")


class Server:
    def __init__(self):
        self.gate = asyncio.Semaphore(20)
        self.running = set()
        self.answered = 0
        self.late = 0

    async def handle(self, number):
        who.set("visitor %d" % number)
        async with self.gate:
            await asyncio.sleep(0)
            text = "%s asked for %d " % (who.get(), number) * 10
            if number % 50 == 0:
                try:
                    await asyncio.wait_for(asyncio.Event().wait(), 0.0005)
                except asyncio.TimeoutError:
                    self.late += 1
            self.answered += 1
            return len(text) * 0 + 1

    def start(self, number):
        task = asyncio.ensure_future(self.handle(number))
        self.running.add(task)
        task.add_done_callback(self.running.discard)
        return task


async def main():
    server = Server()
    total = 0
    for first in range(0, 20_000, 100):
        tasks = [server.start(number) for number in range(first, first + 100)]
        total += sum(await asyncio.gather(*tasks))
    print(total, server.answered, server.late)


asyncio.run(main())
