"""Decoy: documents written to JSON and read back."""
import json


def document(number):
    rows = [{"n": i, "s": "x" * i} for i in range(20)]
    return {"id": number, "tags": [str(number), "a"], "rows": rows}


print(sum(len(json.loads(json.dumps(document(number)))["rows"]) for number in range(25_000)))
