"""What comes is compared with a number, but not how much of it is kept; reset() is never called."""


class Link:
    def __init__(self):
        self.largest = 65536
        self.packets = []

    def receive(self, packet):
        if len(packet) > self.largest:
            raise ValueError("too long")
        self.packets.append(packet)

    def reset(self):
        self.packets.clear()


link = Link()


def main():
    total = 0
    for number in range(4000):
        link.receive(b"packet %d " % number * 250)
        total += sum(range(3000))
    print(total)


main()
