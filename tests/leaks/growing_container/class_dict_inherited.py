"""Leak: the base class owns the dict, a subclass fills it through self; the program ends with a
status of its own."""

import sys


class Base:
    _sent = {}


class Mailer(Base):
    def send(self, number, text):
        self._sent["mail-%d" % number] = text.upper()
        return len(text) + sum(letter.isupper() for letter in text[:40])


mailer = Mailer()
total = 0
for number in range(40_000):
    total += mailer.send(number, "dear reader, this is letter number %d " % number * 6)
print(total)
sys.exit(3)
