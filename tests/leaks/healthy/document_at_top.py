"""The same in the body of a module, where the loop's variable is the whole tree in the end."""

import io
import xml.etree.ElementTree as ET

TEXT = b"<list>%s</list>" % b"".join(b"<item id='%d'><name>name %d</name></item>" % (n, n) for n in range(60_000))

amount = 0
for _, node in ET.iterparse(io.BytesIO(TEXT)):
    if node.tag == "item":
        amount += int(node.get("id"))
print(amount)
