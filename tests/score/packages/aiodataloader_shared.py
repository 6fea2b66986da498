"""One aiodataloader for all requests, made in main(): it remembers every row. Proper use: a
loader per request."""
import asyncio
import sys

from aiodataloader import DataLoader

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Users(DataLoader):
    async def batch_load_fn(self, keys):
        return [{"id": key, "name": f"user {key}", "roles": [str(n) for n in range(6)]}
                for key in keys]


async def request(users, number):
    rows = await asyncio.gather(*[users.load(number * 8 + n) for n in range(8)])
    return sum(len(row["roles"]) for row in rows)


async def main():
    users, total = Users(), 0
    for number in range(int(3000 * SIZE)):
        users = Users() if PROPER else users
        total += await request(users, number)
    print(total)


asyncio.run(main())
