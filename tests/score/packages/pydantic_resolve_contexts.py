"""pydantic-resolve 1.12.5 makes context variables for each Resolver and sets them in the context of the
task that waits for it (pydantic-resolve#216): a task that resolves for ever keeps them all."""
import asyncio
import sys

from pydantic import BaseModel
from pydantic_resolve import Resolver

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Comment(BaseModel):
    text: str
    length: int = 0

    def resolve_length(self):
        return len(self.text)


async def main():
    total = 0
    for number in range(int(20_000 * SIZE)):
        done = await Resolver().resolve(Comment(text="comment %d" % number))
        total += done.length
    print(total)


asyncio.run(main())
