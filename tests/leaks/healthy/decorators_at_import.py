"""Healthy decoy: five hundred functions are decorated while the program starts; it then works."""
import functools


def counted(function):
    @functools.wraps(function)
    def count(*arguments):
        count.calls += 1
        count.last = arguments
        return function(*arguments)

    count.calls = 0
    return count


def make(number):
    table = list(range(300 + number))

    @counted
    def handler(value):
        return table[value % 300]

    return handler


routes = {"/route/%d" % number: make(number) for number in range(500)}


def main():
    total = 0
    for number in range(60_000):
        total += routes["/route/%d" % (number % 500)](number)
        total += sum(i * i for i in range(100)) % 2
    print(total, sum(route.calls for route in routes.values()))


main()
