"""logging.getLogger with a name made of a request id: the manager keeps every logger.
Proper use: one logger, the id as an argument."""
import logging
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def request(number):
    log = logging.getLogger("shop.request" if PROPER else f"shop.request.{number}")
    log.debug("begin %s", number)
    return sum(n % 7 for n in range(300))


print(sum(request(n) for n in range(int(40_000 * SIZE))))
