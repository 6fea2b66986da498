"""Healthy: each task sets the variable in its own context, which ends with the task."""
import asyncio
import contextvars

body = contextvars.ContextVar("body")


async def request(number):
    body.set(bytearray(5_000))
    await asyncio.sleep(0)
    return len(body.get()) + sum(i * i for i in range(1_000)) % 7


async def main():
    total = 0
    for start in range(0, 5_000, 50):
        total += sum(await asyncio.gather(*(request(start + i) for i in range(50))))
    print(total)


asyncio.run(main())
