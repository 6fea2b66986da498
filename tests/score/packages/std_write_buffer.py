"""asyncio buffers what is written to a peer that reads slowly. Proper use: drain() after write()."""

import asyncio
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


async def main():
    writers = set()

    async def client_connected(reader, writer):
        writers.add(writer)
        await reader.read()

    server = await asyncio.start_server(client_connected, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    clients = [await asyncio.open_connection("127.0.0.1", port, limit=1024) for _ in range(3)]

    async def follow(reader):
        try:
            while await reader.read(256 if not PROPER else 65536):
                if not PROPER:
                    await asyncio.sleep(0.01)
        except ConnectionError:
            pass

    readers = [asyncio.create_task(follow(r)) for r, w in clients]
    await asyncio.sleep(0.05)
    sent = 0
    for tick in range(int(1500 * SIZE)):
        line = b'{"tick": %d, "prices": [%s]}\n' % (tick, b"1.25, " * 4000)
        for writer in list(writers):
            writer.write(line)
            if PROPER:
                await writer.drain()
            sent += len(line)
        await asyncio.sleep(0.0005)
    print(sent)
    for t in readers:
        t.cancel()
    server.close()


asyncio.run(main())
