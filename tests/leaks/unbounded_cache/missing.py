"""Leak: a dict that fills itself through __missing__."""


class Squares(dict):
    def __missing__(self, number):
        value = self[number] = [number * i for i in range(30)]
        return value


squares = Squares()


def main():
    total = 0
    for number in range(20_000):
        total += squares[number][2] + squares[number // 2][1] + sum(i for i in range(300)) % 2
    print(total)


main()
