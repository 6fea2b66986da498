"""Leak: whatever a connection sends is copied to a stream of bytes in memory, for debugging."""
import io


class Connection:
    def __init__(self):
        self.copy = io.BytesIO()

    def receive(self, data):
        self.copy.write(data)
        return data.count(b"\n")


connection = Connection()


def main():
    lines = 0
    for number in range(9_000):
        lines += connection.receive(b"request %d of somebody\n" % number * 24)
        lines += sum(i * i for i in range(700)) % 3
    print(lines)


main()
