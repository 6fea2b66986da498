"""Leak: sessions are stored on a manager by id; closing one marks it and leaves it there."""


class Session:
    def __init__(self, number):
        self.number = number
        self.open = True
        self.basket = [number + i for i in range(30)]


class Manager:
    def __init__(self):
        self.sessions = {}

    def open(self, number):
        session = Session(number)
        self.sessions[number] = session
        return session

    def close(self, session):
        session.open = False


manager = Manager()


def visit(number):
    session = manager.open(number)
    total = sum(session.basket)
    manager.close(session)
    return total + sum(i * i for i in range(240)) % 2


print(sum(visit(number) for number in range(25_000)))
