"""hiredis 2.2.1: a Reader holds callables and takes no part in garbage collection, so that a parser
which gives it its own methods is a cycle for ever (redis/hiredis-py#163)."""
import sys

import hiredis

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class ReplyError(Exception):
    pass


class Parser:
    def __init__(self, number):
        self.buffer = f"buffer {number} " * 60
        self.reader = hiredis.Reader(replyError=self.error)

    def error(self, text):
        return ReplyError(text)

    def parse(self):
        self.reader.feed(b"*3\r\n:1\r\n:2\r\n:3\r\n" * 30)
        return sum(sum(self.reader.gets()) for _ in range(30))


print(sum(Parser(n).parse() for n in range(int(20_000 * SIZE))))
