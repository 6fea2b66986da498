"""Leak: a form class is made for each request and stays in a table; run as a package."""
from .factory import form_for

good = 0
for number in range(5_000):
    form = form_for(("name", "mail"), number)
    good += form({"name": "n", "mail": "m"}).is_valid() + sum(i * i for i in range(1_600)) % 2
print(good)
