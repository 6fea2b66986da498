"""Decoy: a tree and its table by path are filled at the start; from then on paths are looked up."""


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
                node.below[part] = self.by_path[so_far] = Node(part, node)
            node = node.below[part]


tree = Tree()


def path_of(number):
    return [f"day{number // 1000}", f"user{number % 97}", f"page{number}"]


def main():
    for number in range(6_000):
        tree.note(path_of(number))
    total = 0
    for number in range(18_000):
        total += len(tree.by_path["/" + "/".join(path_of(number % 6_000))].name)
        total += sum(i * i for i in range(1_200)) % 3
    print(total)


main()
