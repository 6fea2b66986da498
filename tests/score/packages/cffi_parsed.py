"""cffi: ffi.new with the length written into the C type keeps each type it has parsed.
Proper use: ffi.new("char[]", n)."""
import sys

import cffi

SIZE = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
PROPER = "proper" in sys.argv[2:]
ffi = cffi.FFI()


def message(number):
    buffer = ffi.new("char[]", number) if PROPER else ffi.new(f"char[{number}]")
    return ffi.sizeof(buffer)


print(sum(message(n) for n in range(100, 100 + int(8000 * SIZE))))
