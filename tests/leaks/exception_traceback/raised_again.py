"""Leak: one exception object is raised for every closed port: its traceback grows with each raise."""

NOT_OPEN = OSError("the port is not open")


class Port:
    def write(self, data):
        frame = bytes(data)
        if not frame.startswith(b"open"):
            raise NOT_OPEN
        return len(frame)


def send(port, number):
    try:
        return port.write(b"reading %d" % number)
    except OSError:
        return 0


port = Port()
print(sum(send(port, number) for number in range(30_000)))
