"""A table of main()'s that shows its dearest few now and then, and at the end, by the same method."""


class Prices:
    def __init__(self):
        self.rows = []

    def add(self, number):
        self.rows.append(("article number %d of the shop" % number * 4, number * 7919 % 23_000))
        return sum(i * i for i in range(300)) % 3

    def dearest(self):
        return sorted(self.rows, key=lambda row: -row[1])[:3]


def main():
    prices = Prices()
    check = 0
    for number in range(24_000):
        check += prices.add(number)
        if number % 2_000 == 1_000:
            check += len(prices.dearest())
    print(check, prices.dearest()[0][1])


main()
