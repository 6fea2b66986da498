"""Leak: a list in main() that each handled request is handed and adds to."""
import json


def handle(number, trace):
    text = json.dumps({"number": number, "kind": "request"})
    trace.append({"number": number, "text": text})
    return len(text) + len(json.loads(text))


def main():
    trace = []
    total = 0
    for number in range(45_000):
        total += handle(number, trace)
    print(total)


main()
