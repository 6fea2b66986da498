"""Twin of closure: undo steps in a deque with a bound."""
import collections


class Editor:
    undo_steps = collections.deque(maxlen=200)

    def __init__(self):
        self.text = "start"

    def replace(self, number):
        before = (self.text + " ") * 400

        def undo():
            self.text = before

        self.undo_steps.append(undo)
        self.text = "revision %d" % number
        return sum(ord(letter) for letter in before[:200])


editor = Editor()
print(sum(editor.replace(number) for number in range(25_000)))
