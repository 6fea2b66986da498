"""Leak: each try is raised from the last one, and the answer that failed is in its arguments."""


class Refused(Exception):
    pass


class Client:
    def __init__(self):
        self.refused = None

    def ask(self, number):
        answer = "answer %d " % number * 120
        try:
            raise Refused(answer) from self.refused
        except Refused as reason:
            self.refused = reason

    def run(self, tries):
        total = 0
        for number in range(tries):
            self.ask(number)
            total += sum(i * i for i in range(1_000)) % 7
        return total


client = Client()
print(client.run(3_000))
