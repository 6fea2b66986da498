"""One document of XML, read event by event: its tree is whole when the loop ends, and goes."""

import io
import xml.etree.ElementTree as ET

TEXT = b"<list>%s</list>" % b"".join(b"<item id='%d'><name>name %d</name></item>" % (n, n) for n in range(60_000))


def total():
    amount = 0
    for _, node in ET.iterparse(io.BytesIO(TEXT)):
        if node.tag == "item":
            amount += int(node.get("id"))
    return amount


print(total())
