"""Leak: a storage in memory; files get their last name when they are written, and none is deleted."""


class Storage:
    def __init__(self):
        self.files = {}

    def create(self, name, text):
        self.files[name] = text

    def rename(self, old, new):
        if old not in self.files:
            raise KeyError(old)
        text = self.files[old]
        del self.files[old]
        self.files[new] = text

    def size(self, name):
        return len(self.files[name])


class Index:
    def __init__(self):
        self.storage = Storage()

    def add(self, number):
        text = "segment %d of the index " % number * 20
        self.storage.create("segment.tmp", text)
        self.storage.rename("segment.tmp", "segment-%d" % number)
        return self.storage.size("segment-%d" % number) + sum(i * i for i in range(500)) % 3


def main():
    index = Index()
    print(sum(index.add(number) for number in range(14_000)))


main()
