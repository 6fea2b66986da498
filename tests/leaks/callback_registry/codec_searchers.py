"""Each import of a customer's table registers one more search function, with the table in it."""

import codecs


def support(customer):
    table = {chr(c): chr(c + customer % 20) for c in range(97, 123)}

    def search(name):
        return table.get(name)

    codecs.register(search)
    return table["a"]


def main():
    used = set()
    for customer in range(9_000):
        used.add(support(customer))
        sum(range(900))
    print(len(used))


main()
