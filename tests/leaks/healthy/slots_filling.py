"""Healthy: a cache in slots that fills up to its limit, and was not full when the program ended."""


class Pages:
    __slots__ = ("entries", "most")

    def __init__(self, most=None):
        self.entries, self.most = {}, most

    def render(self, name):
        page = self.entries.get(name)
        if page is None:
            page = self.entries[name] = bytearray(1100) + name.encode()
            if self.most is not None and len(self.entries) > self.most:
                del self.entries[next(iter(self.entries))]
        return len(page)


pages = Pages(13_000)
size = 0
for number in range(12_000):
    size += pages.render("/user/%d/profile" % number)
    sum(i * i for i in range(500))
print(size)
