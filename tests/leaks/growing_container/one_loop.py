"""Leak: one loop in main() writes a protocol into a module's list that no code ever reads."""
import json

protocol = []


def main():
    total = 0
    for number in range(45_000):
        text = json.dumps({"number": number, "kind": "order", "state": "done"})
        total += len(json.loads(text)["kind"])
        protocol.append({"number": number, "text": text})
    print(total)


main()
