"""Leak: a timeout an hour ahead is set for each message and never cancelled when it arrives."""
import asyncio


def expired(message, number):
    raise SystemExit("message %d of %d bytes was lost" % (number, len(message)))


async def main():
    loop = asyncio.get_running_loop()
    for number in range(6_000):
        message = bytearray(1_000)
        loop.call_later(3_600, expired, message, number)
        if number % 10 == 0:
            await asyncio.sleep(0)
            sum(i * i for i in range(15_000))
    print("done")


asyncio.run(main())
