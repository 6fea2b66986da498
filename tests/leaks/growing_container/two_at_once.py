"""Two leaks: a list on an object, and a cache in a module, of about the same weight."""


class Mailer:
    def __init__(self):
        self.sent = []

    def send(self, number):
        self.sent.append("letter %d " % number * 20)


mailer = Mailer()
addresses = {}


def address(number):
    if number not in addresses:
        addresses[number] = ["street %d" % number, "town %d" % number, bytearray(120)]
    return addresses[number]


def deliver(number):
    mailer.send(number)
    return len(address(number)) + sum(i * i for i in range(150)) % 2


print(sum(deliver(number) for number in range(40_000)))
