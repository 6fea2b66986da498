"""tree-sitter 0.25.2 loses the list of nodes it hands to a predicate (tree-sitter/py-tree-sitter#467).
Proper use: no predicate of one's own."""
import sys

import tree_sitter
import tree_sitter_python

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
language = tree_sitter.Language(tree_sitter_python.language())
parsed = tree_sitter.Parser(language).parse(b"first = second\nthird = fourth\n")
query = tree_sitter.Query(language, '((identifier) @name (#known? @name "first"))')


def known(name, arguments, pattern, captures):
    return True


def look():
    cursor = tree_sitter.QueryCursor(query)
    return len(cursor.matches(parsed.root_node) if PROPER
               else cursor.matches(parsed.root_node, known))


print(sum(look() for _ in range(int(15_000 * SIZE))))
