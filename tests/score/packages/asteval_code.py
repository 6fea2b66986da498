"""An asteval interpreter keeps the text of each piece of code it ever ran. Proper use: parse once, run
the tree with other values."""
import sys

from asteval import Interpreter

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
interpreter = Interpreter(minimal=True)
rule = interpreter.parse("price * 2 + 1")


def price(number):
    if PROPER:
        interpreter.symtable["price"] = number
        return interpreter.run(rule)
    return interpreter(f"{number} * 2 + 1   # order number {number} of today, as its customer wrote it")


print(sum(price(n) for n in range(int(12_000 * SIZE))))
