"""Twin of reference_cycle: children know their parent through a weak reference; the collector is
off."""
import gc
import weakref


class Branch:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent and weakref.ref(parent)
        self.children = []
        self.notes = name * 20
        if parent is not None:
            parent.children.append(self)


def grow(number):
    trunk = Branch("trunk%d" % number)
    for side in range(4):
        limb = Branch("limb%d-%d" % (number, side), trunk)
        Branch("leaf%d-%d" % (number, side), limb)
    return sum(len(limb.children) for limb in trunk.children)


def main():
    gc.disable()
    print(sum(grow(number) for number in range(50_000)))


main()
