"""The tokens of growing_container/told_key.py, where each session's old token makes place."""
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
last = {}


def sign_in(number):
    token, user = uuid.uuid4().hex, number % 40
    tokens.put(token, "user %d at %s" % (number, "desk " * 40), last.get(user))
    last[user] = token
    return len(tokens.session(token)) + sum(i * i for i in range(300)) % 3


def main():
    print(sum(sign_in(number) for number in range(24_000)))


main()
