"""Leak: what comes in is kept; beyond twice a limit whoever sends is asked to wait, and nobody does."""


class Inbox:
    def __init__(self, limit):
        self.limit = limit
        self.waiting = []
        self.asked = 0

    def receive(self, message):
        self.waiting.append(message)
        if len(self.waiting) > 2 * self.limit:
            self.asked += 1


def main():
    inbox = Inbox(100)
    total = 0
    for number in range(12_000):
        inbox.receive("message %d " % number * 70)
        total += sum(i * i for i in range(600)) % 3
    print(total, inbox.asked)


main()
