"""A tree whose nodes know their parent, dropped while the collector is off."""

import gc
import sys

import heaplens


class Node:
    def __init__(self, parent: "Node | None" = None) -> None:
        self.parent = parent
        self.children: list[Node] = []
        self.text = bytearray(10_000)
        if parent is not None:
            parent.children.append(self)


def tree() -> Node:
    root = Node()
    for _ in range(3):
        Node(root)
    return root


gc.disable()
heaplens.graph(tree(), sys.argv[1], refs=True, overwrite=True)
