"""The application of growing_container/site-packages/routekit with one route for all uploads."""
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "growing_container/site-packages"))
from routekit import Route, Routes  # noqa: E402  (the path comes first)


class Application:
    def __init__(self):
        self.routes = Routes()
        self.routes.add(Route(0))

    def upload(self, number):
        parts = ["%d %s" % (number, part) for part in self.routes.match("/file-0").parts]
        return len(parts) + sum(i * i for i in range(500)) % 3


def main():
    application = Application()
    print(sum(application.upload(number) for number in range(8_000)))


main()
