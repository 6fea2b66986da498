"""Open: one loop fills a module's list; how many there are is all that anybody asks for."""
import json

orders = []


def main():
    for number in range(45_000):
        text = json.dumps({"number": number, "kind": "order", "state": "done"})
        orders.append(json.loads(text))
    print(len(orders))


main()
