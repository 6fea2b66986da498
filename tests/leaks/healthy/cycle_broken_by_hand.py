"""Twin of reference_cycle: no collector, but each pair is taken apart before it is dropped."""
import gc


class Left:
    def __init__(self):
        self.right = None


class Right:
    def __init__(self, text):
        self.left = None
        self.text = text


def pair(number):
    one = Left()
    two = Right("payload %06d " % number * 60)
    one.right = two
    two.left = one
    size = len(two.text)
    one.right = None
    return size


def main():
    gc.disable()
    print(sum(pair(number) + sum(i for i in range(100)) % 2 for number in range(150_000)))


main()
