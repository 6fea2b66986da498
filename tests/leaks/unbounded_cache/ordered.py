"""Leak: an OrderedDict kept in order of use, by somebody who forgot to evict."""
import collections

thumbnails = collections.OrderedDict()


def thumbnail(path):
    if path in thumbnails:
        thumbnails.move_to_end(path)
        return thumbnails[path]
    picture = bytearray(len(path) * 30)
    thumbnails[path] = picture
    return picture


def main():
    total = 0
    for number in range(30_000):
        total += len(thumbnail("/pictures/holiday/%d.png" % number))
        total += len(thumbnail("/pictures/holiday/%d.png" % (number // 2)))
    print(total)


main()
