"""Healthy: each request takes itself off the list of open ones, also where it is answered early."""


class Request:
    def __init__(self, number):
        self.number = number
        self.lines = ["line %d of %d" % (i, number) for i in range(12)]


open_ones = []


def handle(number):
    request = Request(number)
    open_ones.append(request)
    try:
        checked = sum(i * i for i in range(1_500)) + number
        if checked % 40:
            return checked % 7
        return len(request.lines)
    finally:
        open_ones.remove(request)


print(sum(handle(number) for number in range(8_000)))
