"""Leak: a route is added to the table of main()'s application for every upload; each request sorts
and looks through all there are."""


class Route:
    def __init__(self, number):
        self.path = "/file-%d" % number
        self.weight = number % 7
        self.parts = [self.path + "/part-%d" % part for part in range(24)]


class Routes:
    def __init__(self):
        self._by_weight = {}
        self._stale = True

    def add(self, route):
        self._by_weight.setdefault(route.path, []).append(route)
        self._stale = True

    def refresh(self):
        if not self._stale:
            return
        for group in self._by_weight.values():
            group.sort(key=lambda route: route.weight)
        self._stale = False

    def match(self, path):
        self.refresh()
        for group in self._by_weight.values():
            if group[0].path == path:
                return group[0]
        return None


class Application:
    def __init__(self):
        self.routes = Routes()

    def upload(self, number):
        self.routes.add(Route(number))
        if number % 8 == 0:
            return len(self.routes.match("/file-%d" % (number // 2)).parts)
        return sum(i * i for i in range(500)) % 3


def main():
    application = Application()
    print(sum(application.upload(number) for number in range(5_000)))


main()
