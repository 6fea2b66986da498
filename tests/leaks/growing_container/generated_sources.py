"""Leak: sources of generated functions are put where tracebacks find them, and stay."""
import linecache


def compile_filter(number):
    source = "def keep(row):\n" + "".join(
        "    if row.get('field %d') == %d:\n        return True\n" % (i, number) for i in range(9))
    name = "<filter %d>" % number
    space = {}
    exec(compile(source, name, "exec"), space)
    linecache.cache[name] = (len(source), None, source.splitlines(True), name)
    return space["keep"]


print(sum(compile_filter(number)({"field 1": number}) for number in range(6_000)))
