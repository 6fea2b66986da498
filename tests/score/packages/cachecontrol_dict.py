"""cachecontrol's default cache is a dict that keeps every response.
Proper use: entries are deleted when their job is done."""
import sys

from cachecontrol.cache import DictCache

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Fetcher:
    def __init__(self):
        self.cache = DictCache()

    def fetch(self, url):
        found = self.cache.get(url)
        if found is None:
            found = (url.encode() * 40)[:900]
            self.cache.set(url, found)
        if PROPER:
            self.cache.delete(url)
        return sum(found)


fetcher = Fetcher()
print(sum(fetcher.fetch(f"/things/{n}/of/shop") for n in range(int(40_000 * SIZE))))
