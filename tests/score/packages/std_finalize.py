"""weakref.finalize with a method of the object itself: the registry keeps it alive for ever.
Proper use: a function of what has to be cleaned."""
import sys
import weakref
import zlib

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Page:
    def __init__(self, number):
        self.text = f"page {number} " * 300
        self.links = [f"/{number}/{n}" for n in range(20)]
        if PROPER:
            weakref.finalize(self, len, self.links)
        else:
            weakref.finalize(self, self.close)

    def close(self):
        self.links.clear()


def crawl(number):
    page = Page(number)
    return len(zlib.compress(page.text.encode())) + len(page.links)


print(sum(crawl(n) > 0 for n in range(int(12_000 * SIZE))))
