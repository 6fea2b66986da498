import asyncio


class Room:
    def __init__(self):
        self.gate = asyncio.Lock()
        self.visitors = []

    async def enter(self, name):
        luggage = [name] * 100
        await self.gate.acquire()
        self.visitors.append(luggage)


LOBBY = None


def lobby():
    global LOBBY
    if LOBBY is None:
        LOBBY = Room()
    return LOBBY
