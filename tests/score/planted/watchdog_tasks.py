"""An asyncio server that starts a watchdog task for each connection, and never ends one."""
import asyncio
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Connection:
    def __init__(self, server, reader, writer):
        self.server, self.reader, self.writer = server, reader, writer
        self.received = bytearray()
        self.idle = asyncio.Event()

    async def watchdog(self):
        await self.idle.wait()
        self.writer.close()

    async def serve(self):
        while line := await self.reader.readline():
            self.received += line
            self.writer.write(line.upper())
            await self.writer.drain()
        self.writer.close()


class Server:
    def __init__(self):
        self.watchdogs = set()

    async def connected(self, reader, writer):
        connection = Connection(self, reader, writer)
        task = asyncio.create_task(connection.watchdog())
        self.watchdogs.add(task)
        task.add_done_callback(self.watchdogs.discard)
        await connection.serve()


async def client(port, number):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    got = 0
    for n in range(4):
        writer.write(f"line {n} of {number} ".encode() * 30 + b"\n")
        got += len(await reader.readline())
    writer.close()
    await writer.wait_closed()
    return got


async def main():
    server = Server()
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    total = 0
    for wave in range(int(80 * SIZE)):
        total += sum(await asyncio.gather(*(client(port, n) for n in range(20))))
    print(total)
    listening.close()
    for task in server.watchdogs:
        task.cancel()


asyncio.run(main())
