"""Leak: each request waits for an answer that never comes; the table of answers keeps it waiting."""
import asyncio
import logging


class Client:
    def __init__(self):
        self.answers = {}

    async def ask(self, number):
        question = bytearray(2_000)
        answer = asyncio.get_running_loop().create_future()
        self.answers[number] = answer
        return len(question) + await answer


client = Client()


async def main():
    for number in range(6_000):
        asyncio.ensure_future(client.ask(number))
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(15_000))
    print(len(client.answers))


logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it minds tasks that are left
loop = asyncio.new_event_loop()
loop.run_until_complete(main())
