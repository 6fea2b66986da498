"""Leak: every ticket listens to a set of listeners in another module; run as a package."""
from .events import publish
from .ticket import Ticket

total = 0
for number in range(12_000):
    ticket = Ticket(number)
    publish("tick")
    total += len(ticket.history) + sum(i * i for i in range(800)) % 2
print(total)
