"""A filter on a logger for each request, to mark its lines, which nobody takes off. Proper use:
removeFilter(), or one filter that looks at a context variable."""
import logging
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
logging.basicConfig(level=logging.WARNING, stream=sys.stdout)
log = logging.getLogger("shop")


class Mark(logging.Filter):
    def __init__(self, number):
        super().__init__()
        self.fields = {"request": number, "path": f"/order/{number}", "user": f"user {number}"}

    def filter(self, record):
        record.request = self.fields["request"]
        return True


def handle(number):
    mark = Mark(number)
    log.addFilter(mark)
    log.info("order %d", number)
    total = sum(n * n for n in range(200))
    if PROPER:
        log.removeFilter(mark)
    return total % 7


print(sum(handle(n) for n in range(int(8000 * SIZE))))
