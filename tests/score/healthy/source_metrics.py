"""Parses the sources of the standard library, one file after the other, and adds up metrics."""
import ast
import os
import sys
import sysconfig
import tokenize
from collections import Counter
from pathlib import Path

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Metrics(ast.NodeVisitor):
    def __init__(self):
        self.counts = Counter()
        self.depth = self.deepest = 0

    def generic_visit(self, node):
        self.counts[type(node).__name__] += 1
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        super().generic_visit(node)
        self.depth -= 1

    def visit_FunctionDef(self, node):
        branches = sum(isinstance(child, (ast.If, ast.For, ast.While, ast.Try))
                       for child in ast.walk(node))
        self.counts["complex functions"] += branches > 10
        self.generic_visit(node)


def files(limit):
    library = Path(sysconfig.get_paths()["stdlib"])
    found = sorted(path for path in library.rglob("*.py")
                   if "site-packages" not in path.parts and "test" not in path.parts
                   and "tests" not in path.parts)
    while limit > 0:
        yield from found[:limit]
        limit -= len(found)


def main():
    total, lines, broken, seen = Counter(), 0, 0, 0
    for path in files(int(260 * SIZE)):
        if os.path.getsize(path) > 60_000:
            continue
        with tokenize.open(path) as file:
            text = file.read()
        try:
            tree = ast.parse(text, str(path))
        except SyntaxError:
            broken += 1
            continue
        metrics = Metrics()
        metrics.visit(tree)
        total += metrics.counts
        lines += text.count("\n")
        seen += 1
    print("files", seen > 0, "lines", lines > 1000, "calls", total["Call"] > 100)


main()
