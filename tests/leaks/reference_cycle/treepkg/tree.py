"""A tree whose children know their parent."""


class Branch:
    def __init__(self, name, parent=None):
        self.name = name
        self.parent = parent
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
