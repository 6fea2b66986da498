"""A server of frames over streams in memory, as with websockets: members come, ping, talk and leave,
some of them by falling silent; a janitor throws these out."""
import asyncio
import itertools
import struct
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
TEXT, PING, PONG, CLOSE = 1, 9, 10, 8


def frame(kind, payload=b""):
    return struct.pack("!BH", kind, len(payload)) + payload


class Pipe:
    """One direction of a connection, with a limit on what may wait in it."""

    def __init__(self):
        self.queue = asyncio.Queue(maxsize=64)

    async def send(self, kind, payload=b""):
        await self.queue.put(frame(kind, payload))

    def send_or_drop(self, kind, payload=b""):
        if self.queue.full():
            self.queue.get_nowait()
        self.queue.put_nowait(frame(kind, payload))

    async def receive(self):
        data = await self.queue.get()
        kind, length = struct.unpack_from("!BH", data)
        return kind, data[3:3 + length]


class Member:
    def __init__(self, number, room):
        self.number, self.room = number, room
        self.inbound, self.outbound = Pipe(), Pipe()
        self.seen, self.profile = 0, {"name": f"member {number}", "avatar": bytes(3000)}
        self.task = None


class Server:
    def __init__(self):
        self.members, self.rooms, self.clock = {}, {}, 0
        self.spoken = self.thrown_out = 0

    def enter(self, member):
        self.members[member.number] = member
        self.rooms.setdefault(member.room, {})[member.number] = member
        member.seen = self.clock
        member.task = asyncio.create_task(self.serve(member))

    def leave(self, member):
        self.members.pop(member.number, None)
        room = self.rooms.get(member.room, {})
        room.pop(member.number, None)
        if not room:
            self.rooms.pop(member.room, None)

    async def serve(self, member):
        try:
            while True:
                kind, payload = await member.inbound.receive()
                member.seen = self.clock
                if kind == CLOSE:
                    return
                if kind == PING:
                    member.outbound.send_or_drop(PONG, payload)
                else:
                    self.spoken += 1
                    text = member.profile["name"].encode() + b": " + payload
                    for other in list(self.rooms[member.room].values()):
                        other.outbound.send_or_drop(TEXT, text)
        finally:
            self.leave(member)

    async def janitor(self):
        while True:
            await asyncio.sleep(0.002)
            for member in [m for m in self.members.values() if m.seen + 400 < self.clock]:
                self.thrown_out += 1
                member.task.cancel()


async def visit(server, number, gate):
    async with gate:
        member = Member(number, f"room {number % 17}")
        server.enter(member)
        for line in range(12):
            server.clock += 1
            await member.inbound.send(PING if line % 4 == 0 else TEXT, b"word " * (1 + number % 9))
            await asyncio.sleep(0)
        if number % 10:
            await member.inbound.send(CLOSE)
            await asyncio.wait([member.task])


async def main():
    server, gate = Server(), asyncio.Semaphore(60)
    janitor = asyncio.create_task(server.janitor())
    numbers = iter(range(int(12_000 * SIZE)))
    while batch := list(itertools.islice(numbers, 200)):
        await asyncio.gather(*(visit(server, number, gate) for number in batch))
    server.clock += 1000
    while server.members:
        await asyncio.sleep(0.002)
    janitor.cancel()
    return server


server = asyncio.run(main())
print(len(server.members), len(server.rooms), server.thrown_out > 0, server.spoken > 0)
