"""Leak: a parser makes a node that is its own root, per document, under a disabled collector."""
import gc


class Element:
    def __init__(self, tag):
        self.tag = tag
        self.root = self
        self.attributes = {"tag": tag, "id": tag * 2}


class Parser:
    def __init__(self):
        gc.disable()
        self.parsed = 0

    def feed(self, line):
        words = line.split()
        for word in words:
            Element(word)
        self.parsed += len(words)


def main():
    parser = Parser()
    for number in range(4_000):
        parser.feed(" ".join("word%d-%d" % (number, i) for i in range(8)))
    print(parser.parsed)


if __name__ == "__main__":
    main()
