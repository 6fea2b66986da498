"""Each consumer of uplink 0.7 had its session closed by atexit, and kept by it (prkumar/uplink#130)."""

import sys
import uplink

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class GitHub(uplink.Consumer):
    @uplink.get("users/{name}")
    def user(self, name):
        """A user."""


def tenant(number):
    GitHub(base_url=f"https://tenant-{number}.example/")
    return len(str(number))


print(sum(tenant(n) for n in range(int(5000 * SIZE))))
