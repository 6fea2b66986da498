"""Django: a receiver is connected strongly in each request. Proper use: disconnect."""
import sys

from django.dispatch import Signal

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
order_paid = Signal()


class Basket:
    def __init__(self, number):
        self.number, self.rows = number, [f"row {number} {n}" for n in range(30)]

    def paid(self, sender, **details):
        self.rows = self.rows[:30]

    def checkout(self):
        order_paid.connect(self.paid, weak=False)
        total = sum(map(len, self.rows))
        if self.number % 100 == 0:
            order_paid.send(sender=None, number=self.number)
        if PROPER:
            order_paid.disconnect(self.paid)
        return total


print(sum(Basket(n).checkout() for n in range(int(2500 * SIZE))))
