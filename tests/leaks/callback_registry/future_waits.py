"""Leak: every wait that gives up leaves its callbacks with the future that ends the program."""
import asyncio


async def wait_for(ended, request):
    loop = asyncio.get_running_loop()
    result = loop.create_future()

    def over(future):
        if not result.done():
            result.set_result(None)

    def failed(future):
        if future.cancelled():
            request["state"] = "cancelled"

    ended.add_done_callback(over)
    ended.add_done_callback(failed)
    loop.call_soon(result.set_result, None)
    await result


async def main():
    ended = asyncio.get_running_loop().create_future()
    total = 0
    for number in range(5_000):
        request = {"number": number, "body": "x" * 600 + str(number)}
        await wait_for(ended, request)
        total += len(request["body"]) + sum(i * i for i in range(5_000)) % 3
    print(total)


asyncio.run(main())
