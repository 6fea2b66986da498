"""Healthy: each check stops the patch it started."""
from unittest import mock


class Gateway:
    def charge(self, amount):
        return amount


def check(number):
    patcher = mock.patch.object(Gateway, "charge", return_value=number)
    patcher.start()
    try:
        return Gateway().charge(5) == number
    finally:
        patcher.stop()


print(sum(check(number) for number in range(500)))
