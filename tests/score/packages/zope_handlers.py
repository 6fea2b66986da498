"""zope.component's global registry keeps each handler. Proper use: it is unregistered with its session."""

import sys
from zope import component
from zope.interface import Interface, implementer

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


class IPriceChanged(Interface):
    pass


@implementer(IPriceChanged)
class PriceChanged:
    def __init__(self, price):
        self.price = price


class Session:
    def __init__(self, number):
        self.number = number
        self.prices = [0.0] * 100
        component.provideHandler(self.changed, (IPriceChanged,))

    def changed(self, event):
        self.prices[event.price % 100] = event.price

    def close(self):
        component.getGlobalSiteManager().unregisterHandler(self.changed, (IPriceChanged,))


def visit(number):
    session = Session(number)
    for price in range(60):
        session.changed(PriceChanged(number + price))
    if number % 100 == 0:
        component.handle(PriceChanged(number))
    if PROPER:
        session.close()
    return session.number % 2


print(sum(visit(n) for n in range(int(3000 * SIZE))))
