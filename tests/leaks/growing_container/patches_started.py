"""Leak: each check starts a patch and none stops it."""
from unittest import mock


class Gateway:
    def charge(self, amount):
        return amount


def check(number):
    patcher = mock.patch.object(Gateway, "charge", return_value=number)
    patcher.start()
    return Gateway().charge(5) == number


print(sum(check(number) for number in range(400)))
