"""A client of raven puts its context into those of the thread, and the main thread's are never taken out.
Proper use: deactivate()."""

import sys
import raven

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def tenant(number):
    client = raven.Client(
        dsn="", install_sys_hook=False, install_logging_hook=False, hook_libraries=[]
    )
    client.context.merge({"tags": {"tenant": number}, "extra": {"plan": ["x"] * 30}})
    total = len(client.context.get()["extra"]["plan"])
    if PROPER:
        client.context.deactivate()
    return total


print(sum(tenant(n) for n in range(int(6000 * SIZE))))
