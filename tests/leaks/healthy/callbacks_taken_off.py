"""Healthy: listeners come and go; some are held weakly."""
import weakref

listeners = []
weak_listeners = []


class Window:
    def __init__(self, number):
        self.pixels = bytearray(2_000)
        self.number = number
        listeners.append(self.redraw)
        weak_listeners[:] = [one for one in weak_listeners if one() is not None]
        weak_listeners.append(weakref.WeakMethod(self.redraw))

    def redraw(self):
        self.number += 1

    def close(self):
        listeners.remove(self.redraw)


def session(number):
    window = Window(number)
    for listener in listeners:
        listener()
    window.close()
    return window.number + sum(i * i for i in range(800)) % 2


print(sum(session(number) for number in range(12_000)))
