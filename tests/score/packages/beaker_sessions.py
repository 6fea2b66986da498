"""Beaker's sessions of type "memory" are never forgotten. Proper use: sessions in cookies, or in a
store that expires them."""
import sys

from beaker.middleware import SessionMiddleware

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def app(environ, start_response):
    session = environ["beaker.session"]
    session["basket"] = [f"article {n}" for n in range(20)]
    session.save()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]


kind = "cookie" if PROPER else "memory"
site = SessionMiddleware(app, {"session.type": kind, "session.validate_key": "k" * 32,
                               "session.data_serializer": "json"})


def visit(number):
    request = {"REQUEST_METHOD": "GET", "PATH_INFO": f"/{number}", "HTTP_HOST": "shop",
               "wsgi.url_scheme": "http"}
    return sum(map(len, site(request, lambda status, headers, exc_info=None: None)))


print(sum(visit(n) for n in range(int(5000 * SIZE))))
