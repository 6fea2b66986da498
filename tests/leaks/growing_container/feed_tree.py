"""A feed of XML that never ends: the parser's root keeps each message that was read from it."""

import xml.etree.ElementTree as ET


class Wire:
    def __init__(self):
        self.sent = 0

    def read(self, size):
        self.sent += 1
        if self.sent == 1:
            return b"<feed>"
        return b"".join(
            b"<message number='%d'><text>said %d times</text></message>" % (n, self.sent) for n in range(25)
        )


ARRIVALS = iter(ET.iterparse(Wire(), events=("end",)))


def next_message():
    for _, node in ARRIVALS:
        if node.tag == "message":
            return len(node.find("text").text)
    return 0


def main():
    letters = 0
    for _ in range(60_000):
        letters += next_message()
        letters += sum(range(60)) % 2
    print(letters > 0)


main()
