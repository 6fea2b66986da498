"""Documents announce changes on a blinker signal; views subscribe strongly and are forgotten."""
import sys

import blinker

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
changed = blinker.signal("document-changed")


class Document:
    def __init__(self, text):
        self.words = text.split()

    def replace(self, old, new):
        self.words = [new if word == old else word for word in self.words]
        changed.send(self, word=new)


class View:
    def __init__(self, document, number):
        self.document, self.number = document, number
        self.lines = [" ".join(document.words[n:n + 8]) for n in range(0, len(document.words), 8)]
        changed.connect(self.refresh, sender=document, weak=False)

    def refresh(self, sender, word):
        self.lines = [line for line in self.lines if word not in line] or self.lines


def session(number):
    document = Document(f"the quick {number} brown fox jumps over the lazy dog " * 40)
    view = View(document, number)
    for new in ("slow", "red", "cat"):
        document.replace("fox", new)
    return len(view.lines)


print(sum(session(n) for n in range(int(1500 * SIZE))))
