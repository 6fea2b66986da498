"""Leak: a logger named after each request."""
import logging


class Request:
    def __init__(self, number):
        self.log = logging.getLogger("request.%d" % number)

    def serve(self):
        self.log.debug("served")
        return sum(i * i for i in range(300)) % 5


print(sum(Request(number).serve() for number in range(25_000)))
