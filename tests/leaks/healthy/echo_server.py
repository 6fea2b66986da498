"""Decoy: an asyncio server and a few hundred clients, a handful at a time."""
import asyncio


async def answer(reader, writer):
    while True:
        line = await reader.readline()
        if not line:
            break
        writer.write(line.upper())
        await writer.drain()
    writer.close()


async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    total = 0
    for step in range(6):
        writer.write(b"hello %d from %d\n" % (step, number))
        await writer.drain()
        total += len(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return total


async def main():
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    total = 0
    for first in range(0, 400, 10):
        total += sum(await asyncio.gather(*[client(port, first + i) for i in range(10)]))
    server.close()
    await server.wait_closed()
    print(total)


asyncio.run(main())
