"""A tree with a table into it by path: main() builds it, and what was asked for is read off it."""


class Node:
    def __init__(self, name, above):
        self.name = name
        self.above = above
        self.below = {}
        self.seen = 0


def note(top, by_path, path):
    node, so_far = top, ""
    for part in path:
        so_far += "/" + part
        if part not in node.below:
            node.below[part] = by_path[so_far] = Node(part, node)
        node = node.below[part]
        node.seen += 1


def deepest(node):
    return 1 + max((deepest(below) for below in node.below.values()), default=0)


def main():
    top, by_path, total = Node("", None), {}, 0
    for number in range(12_000):
        note(top, by_path, [f"day{number // 1000}", f"user{number % 97}", f"page{number * 7919 % 65537}"])
        total += sum(i * i for i in range(1_200)) % 3
    often = max(by_path.values(), key=lambda node: node.seen)
    print(total, deepest(top), often.name)


main()
