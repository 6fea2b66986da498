"""Leak: a mock stands in for a gateway in a long simulation, and remembers every call."""

from unittest import mock

gateway = mock.MagicMock()
gateway.send.return_value = 200


def notify(number):
    return gateway.send("user %d" % number, body={"text": "hello %d " % number * 8})


print(sum(notify(number) for number in range(45_000)) % 7)
