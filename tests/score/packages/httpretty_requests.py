"""httpretty keeps every request since it was enabled. Proper use: the list is emptied."""

import sys
import urllib.request
import httpretty

# its temporary files and what was sent stay, too, and show, rightly, when there are more
SIZE = min(1.0, float(sys.argv[1]) if len(sys.argv) > 1 else 1.0)
PROPER = "proper" in sys.argv[2:]
httpretty.enable(allow_net_connect=False)
httpretty.register_uri(httpretty.POST, "http://shop.example/orders", body='{"ok": true}')


def place(number):
    body = b'{"order": %d, "lines": [%s]}' % (number, b"1, " * 100)
    with urllib.request.urlopen(
        urllib.request.Request("http://shop.example/orders", data=body, method="POST")
    ) as answer:
        size = len(answer.read())
    if PROPER:
        httpretty.latest_requests().clear()
    return size


print(sum(place(n) for n in range(int(700 * SIZE))))
