"""Gives every identifier a program defines itself a name that means nothing.

Renamed are functions, classes, arguments, variables, attributes that the program assigns, and
__slots__. Left alone are imported names, builtins, dunders, attributes that built-in types have
too (an `append` of the program's own cannot be told from a list's), and strings.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
from collections.abc import Iterable

TAKEN = {name for kind in (list, dict, set, str, bytes, bytearray, int, float, tuple, object,
                           BaseException) for name in dir(kind)} | set(dir(builtins))


def _defined(tree: ast.AST) -> tuple[set[str], set[str]]:
    """Names the tree binds, and names that belong to somebody else."""
    ours: set[str] = set()
    theirs: set[str] = set()
    modules: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            ours.add(node.name)
        elif isinstance(node, ast.arg):
            ours.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            ours.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            ours.add(node.attr)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            ours.add(node.name)
        elif isinstance(node, ast.Import) or (isinstance(node, ast.ImportFrom) and not node.level):
            modules.update((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            theirs.update(alias.asname or alias.name for alias in node.names)
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            base = node.value
            while isinstance(base, ast.Attribute):
                base = base.value
            if isinstance(base, ast.Name) and base.id in modules:
                theirs.add(node.attr)
    return ours, theirs | modules


class _Renamer(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]):
        self.names = names

    def of(self, name: str) -> str:
        return self.names.get(name, name)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.of(node.id)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        node.attr = self.of(node.attr)
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.arg = self.of(node.arg)
        return self.generic_visit(node)

    def visit_keyword(self, node: ast.keyword) -> ast.AST:
        node.arg = node.arg and self.of(node.arg)
        return self.generic_visit(node)

    def _definition(self, node):
        node.name = self.of(node.name)
        return self.generic_visit(node)

    visit_FunctionDef = visit_AsyncFunctionDef = visit_ClassDef = _definition

    def visit_ExceptHandler(self, node: ast.ExceptHandler) -> ast.AST:
        node.name = node.name and self.of(node.name)
        return self.generic_visit(node)

    def _scope(self, node):
        node.names = [self.of(name) for name in node.names]
        return node

    visit_Global = visit_Nonlocal = _scope

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        if "__slots__" in names:
            for part in ast.walk(node.value):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    part.value = self.of(part.value)
        return self.generic_visit(node)


def rename(
    sources: dict[str, str], keep: Iterable[str] = ()
) -> tuple[dict[str, str], dict[str, str]]:
    """The sources under new names, and old name -> new name. All sources are one program."""
    trees = {path: ast.parse(text) for path, text in sources.items()}
    ours: set[str] = set()
    theirs: set[str] = set(keep)
    for tree in trees.values():
        mine, other = _defined(tree)
        ours |= mine
        theirs |= other
    names = {name: "q" + hashlib.md5(name.encode()).hexdigest()[:7]
             for name in ours - theirs - TAKEN if not name.startswith("__")}
    renamer = _Renamer(names)
    return {path: ast.unparse(renamer.visit(tree)) + "\n" for path, tree in trees.items()}, names
