"""Healthy: a timeout is set for each message and cancelled when its answer is there."""
import asyncio


def expired(message):
    raise SystemExit("lost %d bytes" % len(message))


async def main():
    loop = asyncio.get_running_loop()
    total = 0
    for number in range(6_000):
        message = bytearray(2_000)
        timeout = loop.call_later(3_600, expired, message)
        if number % 5 == 0:
            await asyncio.sleep(0)
            total += sum(i * i for i in range(5_000)) % 7
        timeout.cancel()
    print(total)


asyncio.run(main())
