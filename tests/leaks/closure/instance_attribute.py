"""Leak: a dispatcher gets a new handler per request and drops none."""
import json


class Dispatcher:
    def __init__(self):
        self.handlers = []

    def on_done(self, handler):
        self.handlers.append(handler)


dispatcher = Dispatcher()


def serve(number):
    document = {"id": number, "rows": ["row %d" % (number + i) for i in range(12)]}
    text = json.dumps(document)

    def log_it():
        return document["id"], text

    dispatcher.on_done(log_it)
    return len(json.loads(text)["rows"]) + len(text)


print(sum(serve(number) for number in range(15_000)))
