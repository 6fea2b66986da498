"""Twin of reference_cycle: the threshold is high, as services set it, but within reach."""

import gc


class Window:
    def __init__(self, number):
        self.on_click = self.clicked
        self.pixels = bytearray(900)
        self.number = number

    def clicked(self):
        return self.number


gc.set_threshold(50_000)
total = 0
for number in range(12_000):
    total += Window(number).on_click() % 7 + sum(i * i for i in range(200)) % 3
print(total)
