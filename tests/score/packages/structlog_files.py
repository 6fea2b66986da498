"""structlog 25.4 keeps a lock for each file ever logged to, and with it the file (hynek/structlog#807).
Proper use: one logger for one file."""
import io
import sys

import structlog

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
shared = structlog.PrintLogger(io.StringIO())


def job(number):
    file = io.StringIO()
    logger = shared if PROPER else structlog.PrintLogger(file)
    for n in range(5):
        logger.msg(f"job {number} step {n} " * 8)
    if PROPER:
        shared._file.seek(0)
        shared._file.truncate()
    return number % 2


print(sum(job(n) for n in range(int(15_000 * SIZE))))
