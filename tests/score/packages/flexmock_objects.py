"""flexmock outside of a test runner: nobody takes the expectations down. Proper use: flexmock_teardown()."""

import sys
from flexmock import flexmock
from flexmock import _api

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class Gateway:
    def charge(self, amount):
        raise RuntimeError("no network")


def simulate(number):
    gateway = Gateway()
    flexmock(gateway).should_receive("charge").with_args(number).and_return(number * 2)
    total = gateway.charge(number)
    if PROPER:
        _api.flexmock_teardown()
    return total


print(sum(simulate(n) for n in range(int(3000 * SIZE))))
