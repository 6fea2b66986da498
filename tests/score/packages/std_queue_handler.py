"""The logging cookbook's QueueHandler with an unbounded queue, and a listener slower than the
program. Proper use: a bounded queue, and records dropped."""
import logging
import logging.handlers
import queue
import sys
import threading
import time

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
log = logging.getLogger("service")
log.setLevel(logging.INFO)
log.propagate = False


class Dropping(logging.handlers.QueueHandler):
    def handleError(self, record):
        pass


def listen(records):
    while (record := records.get()) is not None:
        record.getMessage()
        time.sleep(0.002)


def main():
    records = queue.Queue(500 if PROPER else -1)
    log.addHandler(Dropping(records))
    threading.Thread(target=listen, args=(records,), daemon=True).start()
    for n in range(int(25_000 * SIZE)):
        log.info("request %d took %s", n, "x" * 100 + str(n))
        sum(range(400))
    print("done")


main()
