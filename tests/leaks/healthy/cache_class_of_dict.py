"""Decoy: a kind of dict that drops its oldest entry at its limit is not full yet."""

from collections import OrderedDict


class Recent(OrderedDict):
    def __init__(self, most):
        super().__init__()
        self.most = most

    def __setitem__(self, key, value):
        super().__setitem__(key, value)
        if len(self) > self.most:
            self.popitem(last=False)


tiles = Recent(6000)


def tile(x, y):
    if (x, y) not in tiles:
        tiles[x, y] = bytearray(3000)
    return tiles[x, y]


def main():
    total = 0
    for number in range(4000):
        total += len(tile(number % 80, number // 80)) + sum(range(3000))
    print(total)


main()
