"""Healthy, larger: a tokenizer, a parser to trees with parents, an evaluator, over many inputs."""
import functools
import re

TOKEN = re.compile(r"\s*(?:(\d+)|(.))")


class Node:
    def __init__(self, operator, *children):
        self.operator = operator
        self.children = children
        self.parent = None
        for child in children:
            child.parent = self

    def depth(self):
        return 0 if self.parent is None else 1 + self.parent.depth()


class Number(Node):
    def __init__(self, value):
        super().__init__("number")
        self.value = value


class Parser:
    def __init__(self, text):
        self.tokens = [number or sign for number, sign in TOKEN.findall(text)] + [""]
        self.at = 0

    def take(self):
        token = self.tokens[self.at]
        self.at += 1
        return token

    def expression(self):
        left = self.product()
        while self.tokens[self.at] in ("+", "-"):
            left = Node(self.take(), left, self.product())
        return left

    def product(self):
        left = self.factor()
        while self.tokens[self.at] == "*":
            left = Node(self.take(), left, self.factor())
        return left

    def factor(self):
        token = self.take()
        if token == "(":
            inside = self.expression()
            self.take()
            return inside
        return Number(int(token))


@functools.lru_cache(maxsize=64)
def function_of(operator):
    return {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b % 1_000_003,
    }[operator]


def evaluate(node):
    if isinstance(node, Number):
        return node.value
    return function_of(node.operator)(*[evaluate(child) for child in node.children])


def leaves(node):
    if not node.children:
        yield node
    for child in node.children:
        yield from leaves(child)


def main():
    total = depth = 0
    for number in range(18_000):
        text = "(%d + 3) * (%d - (4 + %d * 2)) - 7 * 8" % (number, number % 31, number % 17)
        tree = Parser(text).expression()
        total += evaluate(tree)
        depth += max(leaf.depth() for leaf in leaves(tree))
    print(total, depth)


main()
