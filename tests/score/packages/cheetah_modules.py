"""Cheetah makes a module for each text it compiles, and keeps it in sys.modules. Proper use:
compile once, fill in per letter."""
import sys

from Cheetah.Template import Template

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]

TEXT = "Dear $name,\n#for $line in $lines\n  * $line\n#end for\n"
LETTER = Template.compile(source=TEXT)


def letter(number):
    values = {"name": f"customer {number}", "lines": [f"bill {n}" for n in range(number % 9)]}
    kind = LETTER if PROPER else Template.compile(source=f"Letter {number}\n{TEXT}")
    return len(str(kind(searchList=[values])))


print(sum(letter(n) for n in range(int(500 * SIZE))))
