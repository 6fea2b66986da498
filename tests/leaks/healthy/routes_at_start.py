"""An application of main() that adds all its routes first, asking for some meanwhile, and then only
answers: the table grows in the first third of the run."""


class Routes:
    def __init__(self):
        self._groups = {}

    def add(self, number):
        path = "/page-%d" % number
        self._groups.setdefault(path, []).append([path + "/part-%d" % part for part in range(24)])

    def refresh(self):
        for group in self._groups.values():
            group.sort(key=len)

    def match(self, path):
        group = self._groups.get(path)
        return len(group[0]) if group else 0


def main():
    routes = Routes()
    found = 0
    for number in range(4_000):
        routes.add(number)
        if number % 50 == 0:
            routes.refresh()
            found += routes.match("/page-%d" % (number // 2))
    for number in range(60_000):
        found += routes.match("/page-%d" % (number % 5_000))
        found += sum(i for i in range(100)) % 3
    print(found)


main()
