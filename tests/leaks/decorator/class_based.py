"""Leak: the decorator is a class; each decorated function is an object that remembers its calls."""


class Recorded:
    def __init__(self, function):
        self.function = function
        self.seen = []

    def __call__(self, *arguments):
        answer = self.function(*arguments)
        self.seen.append([arguments, answer])
        return answer


@Recorded
def convert(number):
    return str(number) * 30


def main():
    total = 0
    for number in range(20_000):
        total += len(convert(number)) + sum(i * i for i in range(600)) % 2
    print(total)


main()
