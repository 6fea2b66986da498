"""The storage of growing_container/files_renamed.py, whose last file takes the place of the one
before."""


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


def add(storage, number):
    storage.create("segment.tmp", "segment %d of the index " % number * 20)
    storage.rename("segment.tmp", "segment")
    return storage.size("segment") + sum(i * i for i in range(500)) % 3


def main():
    storage = Storage()
    print(sum(add(storage, number) for number in range(14_000)))


main()
