"""A mock as the backend of a long soak test: it notes every call and its arguments.
Proper use: reset_mock() in each round."""
import sys
from unittest import mock

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Gateway:
    def __init__(self, backend):
        self.backend = backend

    def pay(self, number):
        return self.backend.charge(number, {"memo": f"order {number} " * 40})


def soak(gateway, rounds):
    paid = 0
    for number in range(rounds):
        paid += gateway.pay(number)
        if PROPER and number % 100 == 99:
            gateway.backend.reset_mock()
    return paid


backend = mock.Mock()
backend.charge.return_value = 1
print(soak(Gateway(backend), int(15_000 * SIZE)))
