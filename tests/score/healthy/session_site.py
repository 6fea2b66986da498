"""A small web framework and a site on it: routes, middleware, sessions that expire, flashed messages."""
import collections
import hashlib
import html
import random
import re
import string
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Clock:
    now = 0.0


class Sessions:
    """Server-side sessions that live for a while after their last use; swept as new ones come."""

    def __init__(self, lifetime):
        self.lifetime, self.alive, self.made = lifetime, collections.OrderedDict(), 0

    def open(self, token):
        entry = self.alive.get(token)
        if entry is None or entry[0] < Clock.now:
            self.made += 1
            token = hashlib.sha256(f"session {self.made}".encode()).hexdigest()
            entry = [0, {"history": collections.deque(maxlen=20), "flashes": []}]
        entry[0] = Clock.now + self.lifetime
        self.alive[token] = entry
        self.alive.move_to_end(token)
        while self.alive and next(iter(self.alive.values()))[0] < Clock.now:
            self.alive.popitem(last=False)
        return token, entry[1]


class App:
    def __init__(self):
        self.routes, self.middleware, self.sessions = [], [], Sessions(lifetime=30)
        self.counts = collections.Counter()

    def route(self, pattern):
        compiled = re.compile("^" + re.sub(r"<(\w+)>", r"(?P<\1>[^/]+)", pattern) + "$")

        def register(view):
            self.routes.append((compiled, view))
            return view
        return register

    def __call__(self, path, form, token):
        token, session = self.sessions.open(token)
        session["history"].append(path)
        request = {"path": path, "form": form, "session": session}
        for compiled, view in self.routes:
            found = compiled.match(path)
            if found:
                self.counts[view.__name__] += 1
                answer = 200, view(request, **found.groupdict())
                break
        else:
            self.counts["missing"] += 1
            answer = 404, "not found"
        for layer in self.middleware:
            answer = layer(request, answer)
        return token, answer


app = App()
PAGE = string.Template("<html><h1>$title</h1><ul>$items</ul><p>$flash</p></html>")


def page(request, title, items):
    flashes = request["session"]["flashes"]
    text = PAGE.substitute(title=html.escape(title), flash=" ".join(flashes),
                           items="".join(f"<li>{html.escape(item)}</li>" for item in items))
    flashes.clear()
    return text


@app.route("/")
def home(request):
    return page(request, "Home", request["session"]["history"])


@app.route("/article/<number>")
def article(request, number):
    return page(request, f"Article {number}", [f"line {n} of {number}" for n in range(40)])


@app.route("/cart/<number>")
def put_into_cart(request, number):
    cart = request["session"].setdefault("cart", {})
    cart[number] = cart.get(number, 0) + int(request["form"].get("count", 1))
    request["session"]["flashes"].append(f"{number} is in your cart")
    return page(request, "Cart", [f"{count} x {name}" for name, count in cart.items()])


@app.route("/logout")
def logout(request):
    request["session"].clear()
    request["session"].update(history=collections.deque(maxlen=20), flashes=[])
    return page(request, "Good bye", [])


@app.middleware.append
def with_length(request, answer):
    status, body = answer
    return status, {"Content-Length": str(len(body)), "X-Path": request["path"]}, body


rng = random.Random(8)
tokens = [None] * 50
served = 0
for n in range(int(140_000 * SIZE)):
    Clock.now += 0.05
    who = rng.randrange(len(tokens))
    if rng.random() < 0.03:
        tokens[who] = None  # another visitor
    path = rng.choice(["/", f"/article/{n % 5000}", f"/cart/{n % 300}", "/logout", f"/nothing/{n}"])
    tokens[who], answer = app(path, {"count": "2"}, tokens[who])
    served += len(answer[2])
print(served > 0, len(app.sessions.alive) < 1000, sum(app.counts.values()) == int(140_000 * SIZE))
