"""A cache without a limit, whose keys are soon all there."""
from collections import OrderedDict


class Pages:
    def __init__(self, render, most=None):
        self.render = render
        self.most = most
        self.kept = OrderedDict()

    def page(self, key):
        if key in self.kept:
            self.kept.move_to_end(key)
            return self.kept[key]
        made = self.kept[key] = self.render(key)
        if self.most is not None and len(self.kept) > self.most:
            self.kept.popitem(last=False)
        return made


def render(number):
    return {"number": number, "text": "page %d " % number * 30, "links": list(range(number % 9))}


pages = Pages(render)


def main():
    length = 0
    for number in range(30_000):
        page = pages.page(number % 4_000)
        length += len(page["text"]) + sum(i * i for i in range(300)) % 3
    print(length)


main()
