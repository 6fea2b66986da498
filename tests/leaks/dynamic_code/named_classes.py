"""Leak: each class made for a message is noted under its name, unless there is one already."""


class Schemas:
    def __init__(self):
        self.known = {}

    def register(self, name, schema):
        if name not in self.known:
            self.known[name] = schema
        return self.known[name]


schemas = Schemas()


def schema_for(number):
    def load(self, data):
        return [data[field] for field in self.fields]

    made = type("Message%d" % number, (), {"load": load, "fields": ("id", "text")})
    return schemas.register(made.__name__, made)


total = 0
for number in range(5_000):
    total += len(schema_for(number)().load({"id": number, "text": "?"}))
    total += sum(i * i for i in range(500)) % 7
print(total)
