"""Leak: the same two classes in main(), the collector starved by a threshold of zero."""
import gc
import json


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
    return len(two.text)


def main():
    gc.set_threshold(0)
    total = 0
    for number in range(15_000):
        total += pair(number) + sum(i * i for i in range(300)) % 2
        total += len(json.dumps({"number": number, "tags": ["a", "b", str(number)]}))
    print(total)


main()
