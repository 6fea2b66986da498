"""A template compiler that turned the collector off for speed; its trees know their parents."""
import gc
import re
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
gc.disable()


class Element:
    def __init__(self, tag, parent=None):
        self.tag, self.parent, self.children = tag, parent, []
        if parent is not None:
            parent.children.append(self)


def parse(text):
    root = here = Element("root")
    for match in re.finditer(r"<(/?)(\w+)>|([^<]+)", text):
        closing, tag, words = match.groups()
        if words:
            Element(words.strip(), here)
        elif closing:
            here = here.parent
        else:
            here = Element(tag, here)
    return root


def render(element, depth=0):
    return " " * depth + element.tag + "\n" + "".join(render(c, depth + 1) for c in element.children)


def page(n):
    rows = "".join(f"<tr><td>cell {n} {k}</td><td>{k}</td></tr>" for k in range(20))
    return f"<html><body><h1>page {n}</h1><table>{rows}</table></body></html>"


print(sum(len(render(parse(page(n)))) for n in range(int(1500 * SIZE))))
