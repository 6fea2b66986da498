"""Leak: a chat's whole transcript is one string, longer with every line."""
import json


class Chat:
    def __init__(self):
        self.transcript = ""

    def say(self, who, words):
        self.transcript += "%s: %s\n" % (who, words)
        return json.loads(json.dumps({"who": who, "words": words}))


def main():
    chat = Chat()
    total = 0
    for number in range(6_000):
        said = chat.say("user %d" % (number % 7), "line %d, and so on " % number * 30)
        total += sum(len(json.dumps(said)) for _ in range(3))
    print(total)


main()
