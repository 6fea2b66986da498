"""Leak: a class attribute that the one serving loop fills and nobody looks at."""
import json


class Desk:
    handled_tickets = []

    def __init__(self):
        self.total = 0

    def serve(self, number):
        text = json.dumps({"ticket": number, "subject": "printer on fire"})
        self.total += len(json.loads(text)["subject"])
        return text


def main():
    desk = Desk()
    for number in range(45_000):
        Desk.handled_tickets.append([number, desk.serve(number)])
    print(desk.total)


main()
