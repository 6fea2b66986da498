"""Leak: a cache of a library's kind, with get() and set(); the code that asks it knows what a miss is,
and nobody gave it a size."""


class Cache:
    def __init__(self, maxsize=0):
        self.maxsize = maxsize
        self._kept = {}

    def get(self, key, default=None):
        return self._kept.get(key, default)

    def set(self, key, value):
        if self.maxsize and len(self._kept) >= self.maxsize:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = value


class Shop:
    def __init__(self, cache):
        self.prices = cache

    def price(self, article):
        found = self.prices.get(article)
        if found is None:
            found = {"article": article, "parts": [article * i % 97 for i in range(24)]}
            self.prices.set(article, found)
        return found["parts"][3] + sum(i * i for i in range(400)) % 3


def main():
    shop = Shop(Cache())
    print(sum(shop.price(number) for number in range(16_000)))


main()
