"""A compiler for a little language: lexer, Pratt parser, scopes, constant folding, code for a stack
machine, and the machine; compiles and runs many generated programs."""
import random
import re
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0

TOKEN = re.compile(r"\s*(?:(\d+)|([a-z_]\w*)|(==|<=|[-+*/%<>=(){},;]))")
POWER = {"==": 1, "<": 2, ">": 2, "<=": 2, "+": 3, "-": 3, "*": 4, "/": 4, "%": 4}


class Node:
    def __init__(self, kind, *parts, parent=None):
        self.kind, self.parts, self.parent = kind, list(parts), parent
        for part in parts:
            if isinstance(part, Node):
                part.parent = self


class Scope:
    def __init__(self, outer=None):
        self.outer, self.names, self.inner = outer, {}, []
        if outer:
            outer.inner.append(self)

    def declare(self, name):
        return self.names.setdefault(name, len(self.names))

    def find(self, name):
        scope = self
        while scope:
            if name in scope.names:
                return scope.names[name]
            scope = scope.outer
        return self.declare(name)


class Parser:
    def __init__(self, text):
        self.tokens = [next(t for t in match.groups() if t) for match in TOKEN.finditer(text)]
        self.at = 0

    @property
    def look(self):
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def take(self, wanted=None):
        token = self.look
        if wanted and token != wanted:
            raise SyntaxError(f"{wanted!r} wanted, {token!r} found")
        self.at += 1
        return token

    def block(self):
        statements = []
        while self.look and self.look != "}":
            statements.append(self.statement())
        return Node("block", *statements)

    def statement(self):
        if self.look in ("while", "if"):
            kind = self.take()
            condition = self.expression()
            self.take("{")
            body = self.block()
            self.take("}")
            return Node(kind, condition, body)
        name = self.take()
        self.take("=")
        value = self.expression()
        self.take(";")
        return Node("assign", name, value)

    def expression(self, power=0):
        token = self.take()
        if token == "(":
            left = self.expression()
            self.take(")")
        elif token == "-":
            left = Node("neg", self.expression(9))
        else:
            left = Node("number", int(token)) if token.isdigit() else Node("name", token)
        while POWER.get(self.look, 0) > power:
            operator = self.take()
            left = Node("binary", operator, left, self.expression(POWER[operator]))
        return left


OPERATIONS = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "*": lambda a, b: a * b,
              "/": lambda a, b: a // b if b else 0, "%": lambda a, b: a % b if b else 0,
              "<": lambda a, b: a < b, ">": lambda a, b: a > b, "<=": lambda a, b: a <= b,
              "==": lambda a, b: a == b}


def fold(node):
    node.parts = [fold(part) if isinstance(part, Node) else part for part in node.parts]
    if node.kind == "binary" and all(part.kind == "number" for part in node.parts[1:]):
        operator, left, right = node.parts
        return Node("number", int(OPERATIONS[operator](left.parts[0], right.parts[0])),
                    parent=node.parent)
    return node


def emit(node, scope, code):
    if node.kind == "number":
        code.append(("push", node.parts[0]))
    elif node.kind == "name":
        code.append(("load", scope.find(node.parts[0])))
    elif node.kind == "neg":
        emit(node.parts[0], scope, code)
        code.append(("neg", None))
    elif node.kind == "binary":
        emit(node.parts[1], scope, code)
        emit(node.parts[2], scope, code)
        code.append(("op", OPERATIONS[node.parts[0]]))
    elif node.kind == "assign":
        emit(node.parts[1], scope, code)
        code.append(("store", scope.find(node.parts[0])))
    elif node.kind in ("while", "if"):
        start = len(code)
        emit(node.parts[0], scope, code)
        patch = len(code)
        code.append(None)
        emit(node.parts[1], Scope(scope), code)
        if node.kind == "while":
            code.append(("jump", start))
        code[patch] = ("unless", len(code))
    else:
        for part in node.parts:
            emit(part, scope, code)


def execute(code, limit=2000):
    memory, stack, at = [0] * 64, [], 0
    while at < len(code) and limit:
        limit -= 1
        operation, argument = code[at]
        at += 1
        if operation == "push":
            stack.append(argument)
        elif operation == "load":
            stack.append(memory[argument])
        elif operation == "store":
            memory[argument] = stack.pop() % 1_000_003
        elif operation == "neg":
            stack.append(-stack.pop())
        elif operation == "op":
            right = stack.pop()
            stack.append(argument(stack.pop(), right))
        elif operation == "jump":
            at = argument
        elif not stack.pop():
            at = argument
    return memory[0]


def program(rng):
    def expression(depth):
        if depth == 0 or rng.random() < 0.2:
            return rng.choice((str(rng.randrange(100)), rng.choice("abcdefgh")))
        return f"({expression(depth - 1)} {rng.choice('+-*/%')} {expression(depth - 1)})"

    lines = [f"{rng.choice('abcdefgh')} = {expression(3)};" for _ in range(25)]
    return "a = 0; i = 0; while i < 9 { i = i + 1; " + " ".join(lines) + " }"


rng, total = random.Random(9), 0
for _ in range(int(2000 * SIZE)):
    tree = fold(Parser(program(rng)).block())
    code = []
    emit(tree, Scope(), code)
    total += execute(code)
print(total)
