"""An importer of records that keeps its errors to mail them in the end, tracebacks and all."""
import decimal
import json
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class BadRecord(ValueError):
    pass


class Importer:
    def __init__(self):
        self.accepted = 0
        self.rejected = []

    def amount(self, record):
        try:
            return decimal.Decimal(record["amount"])
        except decimal.InvalidOperation as error:
            raise BadRecord(f"no amount in {record['id']}") from error

    def read(self, text):
        document = json.loads(text)
        for record in document["records"]:
            if self.amount(record) < 0:
                raise BadRecord("negative")
            self.accepted += 1

    def feed(self, texts):
        for text in texts:
            try:
                self.read(text)
            except BadRecord as error:
                self.rejected.append(error)


def texts(first, count):
    for n in range(first, first + count):
        records = [{"id": n * 100 + k, "amount": str(k), "memo": f"memo {k} " * 5} for k in range(40)]
        if n % 3 == 0:
            records[-1]["amount"] = "much"
        yield json.dumps({"records": records})


importer = Importer()
for file in range(int(200 * SIZE)):
    importer.feed(texts(20 * file, 20))
print(importer.accepted, len(importer.rejected))
