"""Leak: every order ever made stays in a list on its class."""


class Order:
    everything = []

    def __init__(self, number):
        self.number = number
        self.lines = ["line %d" % i for i in range(number % 5)]
        Order.everything.append(self)


def main():
    total = 0
    for number in range(60_000):
        total += len(Order(number).lines)
        total += sum(i for i in range(240)) % 2
    print(total)


main()
