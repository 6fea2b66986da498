"""jsonschema's RefResolver keeps each document it fetched. Proper use: cache_remote=False where each is
another one."""

import sys
import jsonschema

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def load(uri):
    number = int(uri.rsplit("/", 1)[1])
    return {
        "type": "object",
        "properties": {f"field{n}": {"type": "integer", "minimum": number % 3} for n in range(12)},
    }


resolver = jsonschema.RefResolver(
    "http://forms.local/", {}, handlers={"http": load}, cache_remote=not PROPER
)


def check(number):
    schema = {"$ref": f"http://forms.local/revision/{number}"}
    jsonschema.Draft7Validator(schema, resolver=resolver).validate({"field1": 5})
    return number % 2


print(sum(check(n) for n in range(int(12_000 * SIZE))))
