"""A list that nobody reads is filled, and then other work makes much and keeps nothing: it is over before
the interpreter's own end could be told from it."""

import asyncio
import json
import logging

ROWS = []
for number in range(60_000):
    ROWS.append([number, str(number)])


def work():
    for number in range(600_000):
        [number, str(number)]
    return json.dumps([asyncio.__name__, logging.__name__])


print(work())
