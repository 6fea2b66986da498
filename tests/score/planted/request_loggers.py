"""A WSGI application that attaches a buffer to the application's logger for every request."""
import io
import logging
import sys
import wsgiref.util

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
log = logging.getLogger("shop.requests")
log.setLevel(logging.INFO)
log.propagate = False


class RequestLog(logging.Handler):
    def __init__(self, path):
        super().__init__()
        self.path = path
        self.lines = io.StringIO()

    def emit(self, record):
        if record.args == (self.path,):
            self.lines.write(self.format(record) + "\n")


def application(environ, start):
    path = environ["PATH_INFO"]
    handler = RequestLog(path)
    log.addHandler(handler)
    log.info("begin %s", path)
    body = "".join(f"<li>{n}</li>" for n in range(400)).encode()
    log.info("end %s", path)
    start("200 OK", [("Content-Length", str(len(body))),
                     ("X-Log", str(len(handler.lines.getvalue())))])
    return [body]


total = 0
for n in range(int(1300 * SIZE)):
    environ = {"PATH_INFO": f"/page/{n}/" + "x" * 2000}
    wsgiref.util.setup_testing_defaults(environ)
    total += sum(map(len, application(environ, lambda status, headers: None)))
print(total)
