"""Turns batches of XML invoices into JSON and CSV and back, checking totals on the way."""
import csv
import decimal
import io
import json
import sys
import xml.etree.ElementTree as ET
from dataclasses import asdict, dataclass, field
from xml.dom import minidom

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
D = decimal.Decimal


@dataclass
class Position:
    article: str
    count: int
    price: D


@dataclass
class Invoice:
    number: int
    customer: str
    positions: list = field(default_factory=list)

    @property
    def total(self):
        return sum((p.count * p.price for p in self.positions), D(0))


def to_xml(invoice):
    root = ET.Element("invoice", number=str(invoice.number))
    ET.SubElement(root, "customer").text = invoice.customer
    for position in invoice.positions:
        node = ET.SubElement(root, "position", article=position.article)
        ET.SubElement(node, "count").text = str(position.count)
        ET.SubElement(node, "price").text = str(position.price)
    return ET.tostring(root, encoding="unicode")


def from_xml(text):
    root = ET.fromstring(text)
    invoice = Invoice(int(root.get("number")), root.findtext("customer"))
    for node in root.iterfind("position"):
        invoice.positions.append(Position(node.get("article"), int(node.findtext("count")),
                                          D(node.findtext("price"))))
    return invoice


def batch(number):
    invoices = [Invoice(number * 100 + n, f"customer {n} <&>",
                        [Position(f"a{n}-{k}", k + 1, D(n * 7 + k) / 100) for k in range(12)])
                for n in range(50)]
    texts = [to_xml(invoice) for invoice in invoices]
    back = [from_xml(text) for text in texts]
    assert [i.total for i in back] == [i.total for i in invoices]
    document = json.dumps([asdict(i) for i in back], default=str, indent=1)
    again = json.loads(document, parse_float=D)
    sheet = io.StringIO()
    writer = csv.DictWriter(sheet, ("article", "count", "price"))
    writer.writeheader()
    for invoice in again:
        writer.writerows(invoice["positions"])
    pretty = minidom.parseString(texts[0]).toprettyxml()
    return len(document) + sheet.tell() + len(pretty)


print(sum(batch(n) > 0 for n in range(int(140 * SIZE))))
