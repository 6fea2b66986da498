"""loguru: logger.add for each request, never removed: each sink sees each message, too.
Proper use: logger.remove."""
import io
import sys

from loguru import logger

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
logger.remove()


def request(number):
    log = io.StringIO()
    sink = logger.add(log, filter=lambda record: record["extra"].get("number") == number,
                      format="{message}")
    logger.bind(number=number).info("handled {} " + "x" * 2000, number)
    if PROPER:
        logger.remove(sink)
    return len(log.getvalue())


print(sum(request(n) for n in range(int(600 * SIZE))))
