"""Leak, run as a package: a session subscribes on arrival and never unsubscribes."""
from . import registry


def open_session(number):
    profile = {"name": "user %d" % number, "history": [str(number + i) for i in range(15)]}

    def on_close():
        return profile["name"]

    registry.subscribe("close", on_close)
    return len(profile["history"]) + sum(i for i in range(800)) % 3


def main():
    print(sum(open_session(number) for number in range(14_000)))


main()
