from . import events


class Ticket:
    def __init__(self, number):
        self.number = number
        self.history = ["opened by %d" % number] * 80
        events.subscribe(self.on_event)

    def on_event(self, event):
        self.history[0] = event
