"""Leak: plain dicts that name each other; no class of the program's own is involved."""
import gc

gc.disable()
seen = 0
for number in range(20_000):
    request = {"id": number, "path": "/item/%d" % number, "body": "x" * 300}
    response = {"status": 200, "request": request, "body": "y" * 300}
    request["response"] = response
    seen += sum(len(part) for part in request["path"].split("/"))
    seen += sum(i * i for i in range(480)) % 7
print(seen)
