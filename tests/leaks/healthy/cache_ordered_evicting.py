"""Twin of unbounded_cache: least recently used goes first, by popitem()."""
import collections


class Thumbnails:
    limit = 1_000

    def __init__(self):
        self.kept = collections.OrderedDict()

    def get(self, path):
        if path in self.kept:
            self.kept.move_to_end(path)
            return self.kept[path]
        picture = self.kept[path] = bytearray(len(path) * 60)
        if len(self.kept) > self.limit:
            self.kept.popitem(last=False)
        return picture


thumbnails = Thumbnails()
print(sum(len(thumbnails.get("/pictures/%d.png" % number)) for number in range(400_000)))
