"""Leak: an inner function that calls itself is a cycle of function and cell; the collector is
off."""
import gc


def depth_of(tree):
    label = str(tree) * 6

    def walk(node):
        if isinstance(node, list):
            return 1 + max((walk(child) for child in node), default=0)
        return len(label) and 0

    return walk(tree)


def main():
    gc.disable()
    total = 0
    for number in range(60_000):
        total += depth_of([number, [number, [number, [number]]], [number] * 6])
    print(total)


main()
