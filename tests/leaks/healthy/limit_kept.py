"""Twin of growing_container/limit_passed.py: beyond twice a limit nothing more is taken."""


class Inbox:
    def __init__(self, limit):
        self.limit = limit
        self.waiting = []
        self.asked = 0

    def receive(self, message):
        if len(self.waiting) > 2 * self.limit:
            self.asked += 1
        else:
            self.waiting.append(message)


def main():
    inbox = Inbox(3_000)
    total = 0
    for number in range(16_000):
        inbox.receive("message %d " % number * 70)
        total += sum(i * i for i in range(600)) % 3
    print(total, inbox.asked)


main()
