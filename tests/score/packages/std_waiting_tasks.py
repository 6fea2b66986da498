"""asyncio: a task for each client waits for an answer that never comes, kept in a list; asyncio.run
cancels them all when the service ends. Proper use: a limit to the waiting, and a set that lets go."""
import asyncio
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


async def answer(number, future):
    form = [f"client {number} field {n}" for n in range(20)]
    try:
        await asyncio.wait_for(future, 0.001 if PROPER else 3600)
    except asyncio.TimeoutError:
        form.append("no answer")
    return len(form)


class Service:
    def __init__(self):
        self.waiting = []

    async def client(self, number):
        loop = asyncio.get_running_loop()
        task = loop.create_task(answer(number, loop.create_future()))
        self.waiting.append(task)
        if PROPER:
            await task
            self.waiting.remove(task)
        await asyncio.sleep(0)


service = Service()


async def main():
    for number in range(int((1000 if PROPER else 6000) * SIZE)):
        await service.client(number)


asyncio.run(main())
