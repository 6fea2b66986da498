"""Twin of growing_container: sessions are deleted from their manager's dict when they close."""


class Session:
    def __init__(self, number):
        self.number = number
        self.basket = [number + i for i in range(30)]


class Manager:
    def __init__(self):
        self.sessions = {}

    def open(self, number):
        session = Session(number)
        self.sessions[number] = session
        return session

    def close(self, number):
        del self.sessions[number]


manager = Manager()


def visit(number):
    session = manager.open(number)
    if number >= 100:
        manager.close(number - 100)
    return sum(session.basket)


print(sum(visit(number) for number in range(200_000)))
