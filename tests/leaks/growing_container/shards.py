"""Leak: eight shards in a list, the items of each grow alike."""


class Shard:
    def __init__(self, index):
        self.index = index
        self.entries = []

    def put(self, item):
        self.entries.append(item)


shards = [Shard(index) for index in range(8)]


def store(number):
    shards[number % 8].put({"number": number, "text": "item %d" % number * 4})
    return sum(i * i for i in range(150)) % 2


print(sum(store(number) for number in range(50_000)))
