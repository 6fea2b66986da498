"""Documents of xml.dom.minidom are cycles; in a program without the collector they stay.
Proper use: unlink()."""
import gc
import sys
from xml.dom import minidom

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
gc.disable()


def price(number):
    rows = "".join(f"<row n='{n}'><price>{n * number % 100}</price></row>" for n in range(30))
    document = minidom.parseString(f"<list>{rows}</list>")
    total = sum(int(node.firstChild.data) for node in document.getElementsByTagName("price"))
    if PROPER:
        document.unlink()
    return total


print(sum(price(n) for n in range(int(2000 * SIZE))))
