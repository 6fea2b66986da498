"""Leak: sessions are put under their number and removed under its text, so none is removed."""


class Session:
    def __init__(self, number):
        self.number = number
        self.basket = [number + i for i in range(20)]


sessions = {}


def arrive(number):
    sessions[number] = Session(number)
    return sum(sessions[number].basket)


def leave(number):
    sessions.pop(str(number), None)


def visit(number):
    total = arrive(number)
    leave(number)
    return total + sum(i * i for i in range(150)) % 2


print(sum(visit(number) for number in range(30_000)))
