"""Each wait for the end of the server has a limit, and takes its callback off when that is over."""
import asyncio


async def wait_briefly(ended, number):
    loop = asyncio.get_running_loop()
    result = loop.create_future()
    request = {"number": number, "body": "x" * 700 + str(number)}

    def over():
        if not result.done():
            result.set_result(len(request["body"]))

    limit = loop.call_later(0.0002, over)

    def cancel(future):
        limit.cancel()

    ended.add_done_callback(cancel)
    try:
        return await result
    finally:
        ended.remove_done_callback(cancel)


async def main():
    ended = asyncio.get_running_loop().create_future()
    total = 0
    for number in range(4_000):
        total += await wait_briefly(ended, number) + sum(i * i for i in range(2_000)) % 3
    print(total)


asyncio.run(main())
