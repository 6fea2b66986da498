"""Leak: tokens of sessions; the code that puts one in takes out the one it is told has had its day,
and it is told of none."""
import uuid


class Tokens:
    def __init__(self):
        self.sessions = {}

    def put(self, token, session, old=None):
        self.sessions[token] = session
        if old is not None:
            del self.sessions[old]

    def session(self, token):
        return self.sessions[token]


tokens = Tokens()


def sign_in(number):
    token = uuid.uuid4().hex
    tokens.put(token, "user %d at %s" % (number, "desk " * 40))
    return len(tokens.session(token)) + sum(i * i for i in range(300)) % 3


def main():
    print(sum(sign_in(number) for number in range(24_000)))


main()
