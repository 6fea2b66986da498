"""Decoy: a text that lines are added to until it is whole, and that only serves from then on."""
import json


class Page:
    def __init__(self):
        self.text = ""

    def add(self, line):
        self.text += line


page = Page()


def main():
    total = 0
    for number in range(1_500):
        page.add("line %d of the page, " % number * 40)
    for number in range(300_000):
        total += len(json.loads(json.dumps({"number": number, "page": "served"})))
    print(total, page.text[:20])


main()
