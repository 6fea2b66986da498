"""Decoy: logging with a handful of loggers, a rotating memory of records that is flushed."""
import io
import logging
import logging.handlers

text = io.StringIO()
target = logging.StreamHandler(text)
target.setFormatter(logging.Formatter("%(levelname)s %(name)s %(message)s"))
memory = logging.handlers.MemoryHandler(100, flushLevel=logging.CRITICAL, target=target)
logging.basicConfig(level=logging.INFO, handlers=[memory])
size = 0
for number in range(50_000):
    logging.getLogger("part%d" % (number % 20)).info("step %d", number)
    if number % 1_000 == 999:
        size += text.tell()
        text.seek(0)
        text.truncate()
print(size)
