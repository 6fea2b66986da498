import threading

_current = threading.local()


class Connection:
    def __init__(self):
        self.queries = []

    def execute(self, text):
        self.queries.append(text)


def connection():
    try:
        return _current.connection
    except AttributeError:
        _current.connection = Connection()
        return _current.connection
