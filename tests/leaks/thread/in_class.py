"""Leak: each connection starts a thread of its own class, and closing it does not end it."""
import threading


class Heartbeat(threading.Thread):
    def __init__(self, number):
        super().__init__(daemon=True)
        self.history = ["%d-%d" % (number, i) for i in range(2_500)]
        self.done = threading.Event()

    def run(self):
        while not self.done.wait(60):
            self.history.append("beat")


class Connection:
    def __init__(self, number):
        self.heartbeat = Heartbeat(number)
        self.heartbeat.start()

    def close(self):
        self.heartbeat = None


def work(number):
    Connection(number).close()
    return sum(i * i for i in range(80_000)) % 7


def main():
    print(sum(work(number) for number in range(100)))


main()
