"""A program whose C code takes and frees memory, and what the allocator says of its blocks.

A line that does ends with a tag; EXPECTED has for each tag the bytes that malloc_usable_size tells, asked
for on other lines. Written to the file named first, as JSON.
"""

import ctypes
import json
import mmap
import sys
import threading

EXPECTED: dict = {}
KEPT: list = []
PAGE = mmap.PAGESIZE
WRITABLE = mmap.PROT_READ | mmap.PROT_WRITE
MAYMOVE = 1
libc = ctypes.CDLL(None)


def bound(name, restype, *argtypes):
    function = getattr(libc, name)
    function.restype, function.argtypes = restype, argtypes
    return function


place, size = ctypes.c_void_p, ctypes.c_size_t
malloc = bound("malloc", place, size)
calloc = bound("calloc", place, size, size)
realloc = bound("realloc", place, place, size)
reallocarray = bound("reallocarray", place, place, size, size)
posix_memalign = bound("posix_memalign", ctypes.c_int, place, size, size)
memalign = bound("memalign", place, size, size)
strdup = bound("strdup", place, ctypes.c_char_p)
free = bound("free", None, place)
usable = bound("malloc_usable_size", size, place)
kernel_map = bound("mmap", place, place, size, *[ctypes.c_int] * 3, ctypes.c_long)
kernel_unmap = bound("munmap", ctypes.c_int, place, size)
kernel_remap = bound("mremap", place, place, size, size, ctypes.c_int)


def tell(tag, n):
    EXPECTED[tag] = EXPECTED.get(tag, 0) + n


def each_function(n):
    p = malloc(n)  # malloc
    tell("malloc", usable(p))
    q = calloc(3, n)  # calloc
    tell("calloc", usable(q))
    was = usable(p)
    p = realloc(p, 10 * n)  # realloc
    tell("realloc", usable(p) - was)
    was = usable(p)
    p = reallocarray(p, 7, n)  # reallocarray
    tell("reallocarray", usable(p) - was)
    r = realloc(None, n)  # realloc of nothing
    tell("realloc of nothing", usable(r))
    out = ctypes.c_void_p()
    posix_memalign(ctypes.byref(out), 256, n)  # posix_memalign
    tell("posix_memalign", usable(out))
    s = memalign(64, n)  # memalign
    tell("memalign", usable(s))
    t = strdup(b"t" * 500)  # strdup
    tell("strdup", usable(t))
    assert realloc(t, 1 << 62) is None  # fails
    tell("fails", 0)
    tell("free", -usable(q) - usable(r))
    free(q), free(r), free(None)  # free
    was = usable(s)
    s = realloc(s, 0)  # realloc to nothing
    tell("realloc to nothing", (usable(s) if s else 0) - was)
    tell("free the rest", -usable(p) - usable(out) - usable(t))
    free(p), free(out), free(t)  # free the rest


def kept(n):
    for i in range(n):
        KEPT.append(malloc(10 + i))  # kept
    tell("kept", sum(map(usable, KEPT)))


def old_blocks():
    for i in range(len(KEPT)):
        tell("old", -usable(KEPT[i]))
        free(KEPT[i])  # old
    KEPT.clear()


def comes_and_goes(n):
    tell("nothing stays", 0)
    free(malloc(n))  # nothing stays
    both = [bytearray(n), free(malloc(n)), bytearray(n)]  # of both kinds
    return both


def of_python(n):
    large = bytearray(n)
    buffer = ctypes.create_string_buffer(n)
    many = [object() for _ in range(n // 10)]
    del large, buffer, many


def deep(n):
    return n and deep(n - 1)


def frames(n):
    deep(n)


def mappings(n):
    p = kernel_map(None, n * PAGE, WRITABLE, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS, -1, 0)  # mmap
    tell("mmap", n * PAGE)
    kernel_unmap(p + PAGE, 2 * PAGE)  # munmap
    tell("munmap", -2 * PAGE)
    q = kernel_remap(p + 3 * PAGE, (n - 3) * PAGE, 2 * n * PAGE, MAYMOVE)  # mremap
    tell("mremap", (n + 3) * PAGE)
    kernel_unmap(p, PAGE)  # munmap the first
    tell("munmap the first", -PAGE)
    kernel_unmap(q, 2 * n * PAGE)  # munmap the rest
    tell("munmap the rest", -2 * n * PAGE)
    own = mmap.mmap(-1, 5 * PAGE)  # the module
    tell("the module", 5 * PAGE)
    own.close()  # the module's end
    tell("the module's end", -5 * PAGE)
    with open(__file__, "rb") as file:
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY).close()


def in_a_thread(n, taken):
    for i in range(n):
        free(malloc(300))  # one for a moment
        taken.append(malloc(100 + i))  # in a thread
    tell("one for a moment", 0)


def by_another(taken):
    for block in taken:
        free(block)  # by another


def main():
    each_function(1000)
    each_function(200_000)
    kept(100)
    old_blocks()
    comes_and_goes(1_000_000)
    of_python(100_000)
    frames(250)  # small ints are there already
    mappings(20)
    taken = [[] for _ in range(4)]
    threads = [threading.Thread(target=in_a_thread, args=(500, each)) for each in taken]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for each in taken:
        tell("in a thread", sum(map(usable, each)))
        tell("by another", -sum(map(usable, each)))
        by_another(each)
    block = malloc(1_000_000)
    sizes = {"usable": usable(block), "bytearray": sys.getsizeof(bytearray(1_000_000))}
    with open(sys.argv[1], "w") as file:
        json.dump({"native": EXPECTED, "sizes": sizes}, file)


main()
