"""A gevent greenlet that serves for ever, and a function linked to it for each client, to be told when
the service ends. Proper use: unlink() when the client goes."""
import sys

import gevent

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def serve():
    while True:
        gevent.sleep(0.01)


def client(service, number):
    inbox = [f"client {number} line {n}" for n in range(25)]

    def goodbye(_):
        inbox.append("the service is over")

    service.link(goodbye)
    gevent.sleep(0)
    if PROPER:
        service.unlink(goodbye)
    return len(" ".join(inbox).split())


service = gevent.spawn(serve)
print(sum(client(service, n) for n in range(int(20_000 * SIZE))))
