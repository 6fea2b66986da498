"""Messages wait for a connection that never comes, up to the limit of the outbox."""
from collections import deque


class Outbox:
    def __init__(self, most=0):
        self.most = most
        self.waiting = deque()
        self.connected = False

    def send(self, message):
        if self.most > 0 and len(self.waiting) >= self.most:
            return False
        self.waiting.append(message)
        if self.connected:
            self.flush()
        return True

    def flush(self):
        while self.waiting:
            print(self.waiting.popleft())


outbox = Outbox(most=4_000)


def report(number):
    outbox.send({"sensor": number % 20, "value": number, "raw": "x" * 120 + str(number)})
    return sum(i * i for i in range(300)) % 7


def main():
    print(sum(report(number) for number in range(30_000)))


main()
