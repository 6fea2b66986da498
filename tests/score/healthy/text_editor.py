"""An editor: pieces of text, marks, a bounded undo, search, and a clipboard ring."""
import collections
import random
import re
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Buffer:
    """A list of lines with operations that know how to undo themselves."""

    def __init__(self, text):
        self.lines, self.undone = text.splitlines(), []
        self.done = collections.deque(maxlen=400)
        self.marks, self.clipboard = {}, collections.deque(maxlen=10)

    def do(self, action, undo):
        action()
        self.done.append((action, undo))
        self.undone.clear()

    def insert(self, at, text):
        new = text.splitlines()
        self.do(lambda: self.lines.__setitem__(slice(at, at), new),
                lambda: self.lines.__delitem__(slice(at, at + len(new))))

    def delete(self, at, count):
        old = self.lines[at:at + count]
        self.clipboard.append("\n".join(old))
        self.do(lambda: self.lines.__delitem__(slice(at, at + len(old))),
                lambda: self.lines.__setitem__(slice(at, at), old))

    def replace(self, pattern, by):
        old = list(self.lines)
        new = [re.sub(pattern, by, line) for line in old]
        self.do(lambda: self.lines.__setitem__(slice(None), new),
                lambda: self.lines.__setitem__(slice(None), old))

    def undo(self):
        if self.done:
            step = self.done.pop()
            step[1]()
            self.undone.append(step)

    def redo(self):
        if self.undone:
            step = self.undone.pop()
            step[0]()
            self.done.append(step)

    def mark(self, name, at):
        self.marks[name] = at


rng = random.Random(12)
words = [f"word{n}" for n in range(200)]
buffer = Buffer("\n".join(" ".join(rng.choices(words, k=12)) for _ in range(2000)))
for n in range(int(150_000 * SIZE)):
    at, what = rng.randrange(max(len(buffer.lines), 1)), rng.random()
    if what < 0.36:
        buffer.insert(at, " ".join(rng.choices(words, k=10)))
    elif what < 0.70 or len(buffer.lines) > 3000:
        buffer.delete(at, rng.randrange(1, 3))
        if buffer.clipboard and len(buffer.lines) < 1500:
            buffer.insert(at, buffer.clipboard[-1])
            buffer.insert(at, "one more line\nand another")
    elif what < 0.701:
        buffer.replace(rng.choice(words), rng.choice(words))
    elif what < 0.85:
        buffer.undo()
    elif what < 0.97:
        buffer.redo()
    else:
        buffer.mark(rng.choice("abcdefgh"), at)
print(len(buffer.done) <= 400, 0 < len(buffer.lines) < 10_000)
