"""The instrumentation of asyncio added a callback to a future for each time it was waited for
(open-telemetry/opentelemetry-python-contrib#3408)."""

import sys
import asyncio
from opentelemetry.instrumentation.asyncio import AsyncioInstrumentor

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

AsyncioInstrumentor().instrument()


async def fetch(number):
    await asyncio.sleep(0)
    return number % 3


async def main():
    stop = asyncio.get_running_loop().create_future()
    total = 0
    for number in range(int(10_000 * SIZE)):
        work = asyncio.create_task(fetch(number))
        done, waiting = await asyncio.wait([stop, work], return_when=asyncio.FIRST_COMPLETED)
        total += sum(t.result() for t in done)
    print(total, stop.done())


asyncio.run(main())
