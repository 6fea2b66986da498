"""register_namespace() for each document: the table of prefixes is the process's.
Proper use: the same few prefixes for all documents."""
import sys
import xml.etree.ElementTree as tree

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def document(number):
    of = 0 if PROPER else number
    address = "http://example.org/tenant/%d/" % of + "x" * 2000
    tree.register_namespace("t%d" % of, address)
    return len(tree.tostring(tree.Element("{%s}row" % address)))


print(sum(document(number) for number in range(int(3_000 * SIZE))))
