"""A service that logs much: a tree of loggers, rotating files, a memory buffer, a queue with a listener,
filters and adapters per request."""
import io
import logging
import logging.handlers
import queue
import random
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Redact(logging.Filter):
    def filter(self, record):
        record.msg = str(record.msg).replace("secret", "***")
        return True


class Request(logging.LoggerAdapter):
    def process(self, msg, kwargs):
        return f"[{self.extra['id']}] {msg}", kwargs


class Waiting(logging.handlers.QueueHandler):
    """Lets who logs wait while the queue is full, and drops nothing."""

    def enqueue(self, record):
        self.queue.put(record)


def set_up():
    root = logging.getLogger("shop")
    root.setLevel(logging.DEBUG)
    root.propagate = False
    rotating = logging.handlers.RotatingFileHandler("shop.log", maxBytes=300_000, backupCount=3)
    rotating.setFormatter(logging.Formatter("%(asctime)s %(name)s %(levelname)s %(message)s"))
    lately = logging.handlers.MemoryHandler(200, logging.CRITICAL, rotating)
    lately.addFilter(Redact())
    waiting = queue.Queue(500)
    listener = logging.handlers.QueueListener(waiting, lately)
    listener.start()
    root.addHandler(Waiting(waiting))
    return listener


def capture(function):
    """What one call logs, as text: a handler for a moment."""
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    logger = logging.getLogger("shop")
    logger.addHandler(handler)
    try:
        function()
    finally:
        logger.removeHandler(handler)
        handler.close()
    return text.getvalue()


listener = set_up()
parts = [logging.getLogger(f"shop.{part}") for part in ("cart", "payment", "stock", "mail")]
rng = random.Random(1)
lines = 0
for number in range(int(24_000 * SIZE)):
    log = Request(parts[number % 4], {"id": f"{rng.getrandbits(64):016x}"})
    log.info("took an order of %d articles", rng.randrange(9))
    try:
        if number % 40 == 0:
            raise ValueError("the secret card was refused")
    except ValueError:
        log.exception("payment failed")
    if number % 25 == 0:
        lines += capture(lambda: parts[2].warning("short of article %d", number)).count("\n")
listener.stop()
for handler in logging.getLogger("shop").handlers:
    handler.close()
print(lines > 0, len(logging.getLogger("shop").handlers))
