"""A chat server on asyncio streams; a hundred clients at a time join rooms, talk, and leave."""
import asyncio
import collections
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Room:
    def __init__(self, name):
        self.name = name
        self.members = set()
        self.backlog = collections.deque(maxlen=20)

    async def say(self, line):
        self.backlog.append(line)
        for writer in list(self.members):
            writer.write(line)
        await asyncio.sleep(0)


class ChatServer:
    def __init__(self):
        self.rooms = {}
        self.delivered = 0

    async def handle(self, reader, writer):
        room = None
        try:
            while line := await asyncio.wait_for(reader.readline(), 60):
                verb, _, rest = line.decode().strip().partition(" ")
                if verb == "JOIN":
                    room = self.rooms.setdefault(rest, Room(rest))
                    room.members.add(writer)
                    for old in room.backlog:
                        writer.write(old)
                elif verb == "SAY" and room:
                    self.delivered += len(room.members)
                    await room.say(f"{room.name}: {rest}\n".encode())
                elif verb == "BYE":
                    writer.write(b"BYE\n")
                    break
                await writer.drain()
        finally:
            if room:
                room.members.discard(writer)
                if not room.members:
                    self.rooms.pop(room.name, None)
            writer.close()


async def client(port, number, sentences):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"JOIN room{number % 10}\n".encode())
    heard = 0
    for n in range(sentences):
        writer.write(f"SAY sentence {n} of client {number}\n".encode())
        await writer.drain()
        await reader.readline()
        heard += 1
    writer.write(b"BYE\n")
    while await reader.readline() != b"BYE\n":
        heard += 1
    writer.close()
    await writer.wait_closed()
    return heard


async def main():
    chat = ChatServer()
    server = await asyncio.start_server(chat.handle, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for wave in range(int(8 * SIZE)):
        heard = await asyncio.gather(*(client(port, n, 15) for n in range(100)))
        assert min(heard) >= 15
    server.close()
    await server.wait_closed()
    print("waves done, rooms left", len(chat.rooms))


asyncio.run(main())
