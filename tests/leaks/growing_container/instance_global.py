"""Leak: a service object in a module global keeps a history of all it did."""
import json


class Service:
    def __init__(self, name):
        self.name = name
        self.history = []

    def call(self, number):
        answer = json.dumps({"service": self.name, "number": number})
        self.history.append({"number": number, "answer": answer})
        return len(answer) + sum(i * i for i in range(150)) % 2


service = Service("billing")
print(sum(service.call(number) for number in range(40_000)))
