"""Leak: each request takes itself off the list of open ones when it is done, but for those that are
answered early."""


class Request:
    def __init__(self, number):
        self.number = number
        self.lines = ["line %d of %d" % (i, number) for i in range(12)]


open_ones = []


def handle(number):
    request = Request(number)
    open_ones.append(request)
    checked = sum(i * i for i in range(1_500)) + number
    if checked % 40:
        return checked % 7
    open_ones.remove(request)
    return len(request.lines)


print(sum(handle(number) for number in range(8_000)))
