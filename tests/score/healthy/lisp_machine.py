"""A small Lisp: programs are read, closures are made, macros expand, environments come and go."""
import operator
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0


class Scope(dict):
    def __init__(self, names=(), values=(), outer=None):
        super().__init__(zip(names, values))
        self.outer = outer

    def find(self, name):
        scope = self
        while scope is not None:
            if name in scope:
                return scope
            scope = scope.outer
        raise NameError(name)


class Lambda:
    def __init__(self, names, body, scope):
        self.names, self.body, self.scope = names, body, scope

    def __call__(self, *values):
        return run(self.body, Scope(self.names, values, self.scope))


def read(text):
    words = text.replace("(", " ( ").replace(")", " ) ").split()
    stack = [[]]
    for word in words:
        if word == "(":
            stack.append([])
        elif word == ")":
            done = stack.pop()
            stack[-1].append(done)
        else:
            stack[-1].append(int(word) if word.lstrip("-").isdigit() else word)
    return stack[0]


def run(form, scope):
    while True:
        if isinstance(form, str):
            return scope.find(form)[form]
        if not isinstance(form, list):
            return form
        head = form[0]
        if head == "if":
            form = form[2] if run(form[1], scope) else form[3]
        elif head == "define":
            scope[form[1]] = run(form[2], scope)
            return None
        elif head == "set!":
            scope.find(form[1])[form[1]] = run(form[2], scope)
            return None
        elif head == "lambda":
            return Lambda(form[1], form[2], scope)
        elif head == "let":
            names, values = zip(*form[1])
            scope, form = Scope(names, [run(value, scope) for value in values], scope), form[2]
        elif head == "begin":
            for part in form[1:-1]:
                run(part, scope)
            form = form[-1]
        else:
            function = run(head, scope)
            values = [run(part, scope) for part in form[1:]]
            if isinstance(function, Lambda):
                scope, form = Scope(function.names, values, function.scope), function.body
            else:
                return function(*values)


GLOBAL = Scope(["+", "-", "*", "<", "=", "cons", "car", "cdr", "null?", "list"],
               [operator.add, operator.sub, operator.mul, operator.lt, operator.eq,
                lambda a, b: (a, b), lambda p: p[0], lambda p: p[1], lambda p: p is None,
                lambda *v: v])
LIBRARY = """
(define map (lambda (f l) (if (null? l) l (cons (f (car l)) (map f (cdr l))))))
(define upto (lambda (n rest) (if (= n 0) rest (upto (- n 1) (cons n rest)))))
(define sum (lambda (l all) (if (null? l) all (sum (cdr l) (+ all (car l))))))
(define counter (lambda () (let ((n 0)) (lambda () (begin (set! n (+ n 1)) n)))))
"""
PROGRAM = """
(let ((count (counter)) (numbers (upto 60 none)))
  (begin (count) (count)
         (sum (map (lambda (x) (* x (count))) (map (lambda (y) (+ y 1)) numbers)) 0)))
"""
GLOBAL["none"] = None
for form in read(LIBRARY):
    run(form, GLOBAL)
results = set()
for _ in range(int(800 * SIZE)):
    scope = Scope(outer=GLOBAL)
    for form in read(PROGRAM):
        results.add(run(form, scope))
print(len(results), len(GLOBAL))
