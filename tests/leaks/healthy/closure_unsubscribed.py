"""Twin of closure: handlers are subscribed with their data and unsubscribed when the request is
done."""
import json


class Dispatcher:
    def __init__(self):
        self.handlers = []

    def on_done(self, handler):
        self.handlers.append(handler)
        return len(self.handlers) - 1

    def done(self):
        while self.handlers:
            self.handlers.pop()()


dispatcher = Dispatcher()


def serve(number):
    document = {"id": number, "rows": ["row %d" % (number + i) for i in range(12)]}
    text = json.dumps(document)

    def log_it():
        return document["id"], text

    dispatcher.on_done(log_it)
    if number % 10 == 9:
        dispatcher.done()
    return len(text)


print(sum(serve(number) for number in range(80_000)))
