"""ctypes.POINTER of an array type for each length: a type cache in ctypes keeps them
(python/cpython#100926). Proper use: a pointer to the element."""
import ctypes
import sys

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]


def send(length):
    array = ctypes.c_ubyte * (50 if PROPER else length)
    data = array()
    pointer = ctypes.cast(data, ctypes.POINTER(array))
    return sum(pointer.contents[:40])


print(sum(send(n) == 0 for n in range(50, 50 + int(6000 * SIZE))))
