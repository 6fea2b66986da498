"""A Flask API whose audit trail was meant to be flushed, and is not."""
import hashlib
import sys
import time

from flask import Flask, g, jsonify, request

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
app = Flask(__name__)


class AuditTrail:
    def __init__(self):
        self.records = []

    def record(self, actor, action, detail):
        self.records.append({"at": time.time(), "actor": actor, "action": action, "detail": detail})


audit = AuditTrail()
prices = {n: 10 + n % 90 for n in range(500)}


@app.before_request
def login():
    g.user = hashlib.sha1(request.headers["X-Token"].encode()).hexdigest()


@app.after_request
def trace(response):
    audit.record(g.user, f"{request.method} {request.path}", request.headers.get("User-Agent", "") + g.user)
    return response


@app.post("/quote")
def quote():
    basket = request.get_json()
    return jsonify(total=sum(prices[n] for n in basket["items"]))


client = app.test_client()
total = 0
for n in range(int(9000 * SIZE)):
    answer = client.post("/quote", json={"items": [n % 500, n % 77, n % 13]},
                         headers={"X-Token": f"token {n}", "User-Agent": f"shop/{n % 9} " * 8})
    total += answer.get_json()["total"]
print(total)
