"""The application of growing_container/routes_added.py with one route for all uploads."""


class Routes:
    def __init__(self):
        self._by_weight = {}
        self._stale = True

    def add(self, path, parts):
        self._by_weight.setdefault(path, []).append(parts)
        self._stale = True

    def refresh(self):
        if not self._stale:
            return
        for group in self._by_weight.values():
            group.sort(key=len)
        self._stale = False

    def match(self, path):
        self.refresh()
        for prefix, group in self._by_weight.items():
            if path.startswith(prefix):
                return group[0]
        return None


class Application:
    def __init__(self):
        self.routes = Routes()
        self.routes.add("/file-", ["part-%d" % part for part in range(24)])

    def upload(self, number):
        parts = ["/file-%d/%s" % (number, part) for part in self.routes.match("/file-%d" % number)]
        return len(parts) + sum(i * i for i in range(500)) % 3


def main():
    application = Application()
    print(sum(application.upload(number) for number in range(8_000)))


main()
