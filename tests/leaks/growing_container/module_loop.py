"""Leak: no function at all; each message's answer is kept by its number and never asked for."""
import json

answers = {}
total = 0
for number in range(120_000):
    message = json.loads(json.dumps({"number": number, "body": "how are you? " * 4}))
    total += len(message["body"])
    answers[number] = "to message %d: %s" % (number, message["body"])
print(total)
