"""Twin of growing_container: the class lists its instances, weakly."""
import weakref


class Order:
    everything = weakref.WeakSet()

    def __init__(self, number):
        self.lines = ["line %d of %d" % (i, number) for i in range(number % 9)]
        Order.everything.add(self)


def main():
    total = 0
    for number in range(200_000):
        total += len(Order(number).lines)
    print(total, len(Order.everything))


main()
