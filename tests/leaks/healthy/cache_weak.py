"""Twin of unbounded_cache: entries die with their last user."""
import weakref


class Picture:
    def __init__(self, number):
        self.data = bytearray(number % 100 + 2_000)


pictures = weakref.WeakValueDictionary()


def picture(number):
    found = pictures.get(number)
    if found is None:
        found = pictures[number] = Picture(number)
    return found


print(sum(len(picture(number).data) for number in range(300_000)))
