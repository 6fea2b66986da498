"""bottle.template() keeps every text it was given. Proper use: one text, with the values as
arguments."""
import sys

from bottle import template

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]

LIST = "\n% for order in orders:\n<li>{{order}}</li>\n% end\n"


def page(number):
    user, orders = f"user {number}", range(number % 12)
    if PROPER:
        return len(template("<h1>Hello {{user}}</h1>" + LIST, user=user, orders=orders))
    return len(template(f"<h1>Hello {user}</h1>" + LIST, orders=orders))


print(sum(page(n) for n in range(int(2000 * SIZE))))
