"""Decoy: one buffer is filled while the other is written out, then they change places."""


class Writer:
    def __init__(self):
        self.filling, self.writing = [], []
        self.written = 0

    def add(self, number):
        self.filling.append("record %d " % number * 5)
        if len(self.filling) == 20_000:
            self.filling, self.writing = self.writing, self.filling
            self.written += sum(len(record) for record in self.writing)
            self.writing.clear()


writer = Writer()
for number in range(600_000):
    writer.add(number)
print(writer.written)
