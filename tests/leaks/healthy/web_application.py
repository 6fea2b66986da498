"""Healthy, larger: a small web application serves thousands of requests within one process."""
import html
import io
import json
import re
import urllib.parse


class Sessions:
    """Known visitors, the oldest forgotten at 500."""

    def __init__(self, limit):
        self.limit = limit
        self.by_id = {}

    def of(self, name):
        if name not in self.by_id:
            if len(self.by_id) >= self.limit:
                self.by_id.pop(next(iter(self.by_id)))
            self.by_id[name] = {"name": name, "visits": 0, "basket": []}
        session = self.by_id[name]
        session["visits"] += 1
        return session


class Application:
    def __init__(self):
        self.routes = []
        self.sessions = Sessions(500)
        self.log = io.StringIO()
        self.statistics = {}
        self.templates = {}

    def route(self, pattern):
        def add(function):
            self.routes.append((re.compile(pattern), function))
            return function
        return add

    def template(self, name):
        if name not in self.templates:
            self.templates[name] = "<h1>%s</h1><p>{body}</p>" % name
        return self.templates[name]

    def __call__(self, environ, start_response):
        path = environ["PATH_INFO"]
        session = self.sessions.of(environ["HTTP_COOKIE"])
        for pattern, function in self.routes:
            match = pattern.fullmatch(path)
            if match:
                status, body = function(session, environ, *match.groups())
                break
        else:
            status, body = "404 Not Found", "no such page"
        self.statistics[status] = self.statistics.get(status, 0) + 1
        self.log.write("%s %s %s\n" % (session["name"], path, status))
        if self.log.tell() > 200_000:
            self.log = io.StringIO()
        start_response(status, [("Content-Type", "text/html")])
        return [body.encode()]


application = Application()


@application.route(r"/item/(\d+)")
def item(session, environ, number):
    page = application.template("item").format(body=html.escape("item <%s>" % number))
    session["basket"] = (session["basket"] + [number])[-10:]
    return "200 OK", page


@application.route(r"/search")
def search(session, environ):
    query = urllib.parse.parse_qs(environ["QUERY_STRING"])
    return "200 OK", json.dumps({"found": [word * 2 for word in query.get("q", [])]})


@application.route(r"/fail")
def fail(session, environ):
    try:
        return "200 OK", str(1 // len(environ["QUERY_STRING"]))
    except ZeroDivisionError as problem:
        return "500 Internal Server Error", str(problem)


def request(number):
    paths = ("/item/%d" % number, "/search", "/fail", "/nowhere")
    answers = []
    environ = {
        "PATH_INFO": paths[number % 4],
        "QUERY_STRING": "q=word%d&q=other" % number if number % 4 == 1 else "",
        "HTTP_COOKIE": "visitor%d" % (number * 7_919 % 1_700),
    }
    body = b"".join(application(environ, lambda status, headers: answers.append(status)))
    return len(body) + len(answers)


print(sum(request(number) for number in range(120_000)), sorted(application.statistics.items()))
