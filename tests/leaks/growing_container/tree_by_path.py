"""Leak: a tree of everything ever asked for, with a table into it by path; nothing is pruned."""


class Node:
    def __init__(self, name, above):
        self.name = name
        self.above = above
        self.below = {}


class Tree:
    def __init__(self):
        self.top = Node("", None)
        self.by_path = {}

    def note(self, path):
        node, so_far = self.top, ""
        for part in path:
            so_far += "/" + part
            if part not in node.below:
                node.below[part] = Node(part, node)
                self.by_path[so_far] = node.below[part]
            node = node.below[part]


tree = Tree()


def request(number):
    tree.note([f"day{number // 1000}", f"user{number % 97}", f"session-{number}-{number * 7919 % 65537}"])
    return sum(i * i for i in range(1_200)) % 3


def main():
    print(sum(request(number) for number in range(16_000)))


main()
