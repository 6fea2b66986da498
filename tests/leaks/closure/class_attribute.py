"""Leak: a class collects undo steps; each step is a closure over the whole old document."""


class Editor:
    undo_steps = []

    def __init__(self):
        self.text = "start"

    def replace(self, number):
        before = (self.text + " ") * 40

        def undo():
            self.text = before

        self.undo_steps.append(undo)
        self.text = "revision %d" % number
        return sum(ord(letter) for letter in before)


def main():
    editor = Editor()
    total = 0
    for number in range(20_000):
        total += editor.replace(number)
    print(total, len(Editor.undo_steps))


main()
